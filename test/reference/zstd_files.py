"""Files of JSON lines as Zstandard writes them: python test/reference/zstd_files.py (zstandard 0.25.0)"""
import json, os, struct
import zstandard as z

OUT = os.path.join(os.path.dirname(__file__), '..', 'golden', 'zstd')
os.makedirs(OUT, exist_ok=True)

lines = [json.dumps({'docid': f'd{i}', 'doc': f'{i} ' + 'the same words again ' * (i % 7) + 'é'}) + '\n' for i in range(400)]
parts = [''.join(lines[i:i + 100]).encode() for i in range(0, 400, 100)]
whole = b''.join(parts)
checked = z.ZstdCompressor(level=3, write_checksum=True)
skippable = struct.pack('<II', 0x184D2A53, 5) + b'index'


def stream(**parameters):
    """A frame that does not say its size, as pipes make them."""
    parameters = z.ZstdCompressionParameters.from_level(3, **parameters)
    compressor = z.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(whole) + compressor.flush()


def write(name, data):
    open(os.path.join(OUT, name), 'wb').write(data)


write('frames.jsonl.zst', b''.join(checked.compress(part) for part in parts))
write('skippable.jsonl.zst', skippable + b''.join(checked.compress(part) + skippable for part in parts))
write('empty-frames.jsonl.zst', checked.compress(b'') + checked.compress(whole) + z.ZstdCompressor().compress(b''))
write('stream.jsonl.zst', stream())
write('long-27.jsonl.zst', stream(window_log=27, enable_ldm=True))
write('long-31.jsonl.zst', stream(window_log=31, enable_ldm=True))
write('empty.jsonl.zst', checked.compress(b''))
write('repeated.jsonl.zst', checked.compress(b' ' * 300000 + b'\n{"docid": "d0"}\n'))
