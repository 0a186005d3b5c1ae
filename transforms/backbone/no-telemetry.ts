/**
 * To be imported before onnxruntime is loaded. Its builds since 1.30 otherwise send a lasting id of the machine and what
 * its sessions are to their makers, keep that in `~/.cache/Microsoft`, and leave a file a process in the temporary
 * folder. Whoever wants that sets ORT_DISABLE_TELEMETRY=0.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
