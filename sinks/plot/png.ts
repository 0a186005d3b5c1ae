import { fileURLToPath } from 'node:url';
import { messageOf, NagError } from '../../pipeline/errors.js';

/** The fonts come along: text appears on machines that have none, and looks the same on all. */
const fonts = () =>
  [
    import.meta.resolve('@expo-google-fonts/lato/400Regular/Lato_400Regular.ttf'),
    import.meta.resolve('@expo-google-fonts/lato/700Bold/Lato_700Bold.ttf'),
  ].map((url) => fileURLToPath(url));

/** A picture as PNG, two pixels a unit. Letters that the font lacks are taken from the system's, where it has them. */
export async function toPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js').catch((cause: unknown) => {
    throw new NagError(`PNG cannot be made on this machine, write .svg instead: ${messageOf(cause)}`, {
      cause,
    });
  });
  const foreign = /[^\s -\u017f–—…−×]/u.test(svg);
  const font = { fontFiles: fonts(), loadSystemFonts: foreign, defaultFontFamily: 'Lato' };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: 2 } }).render().asPng();
}
