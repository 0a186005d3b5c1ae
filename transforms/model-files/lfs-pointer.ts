/** How a Git LFS pointer begins. */
const start = /^version https?:\/\/\S+\/spec\/v1(\s|$)/;

/** The longest that such a file may be, in bytes. */
export const longestPointer = 1024;

/** What a text is, and what to do, where it is a Git LFS pointer in a file's place; undefined where it is none. */
export function lfsPointer(text: string): string | undefined {
  if (!start.test(text)) return undefined;
  const size = /^size (\d+)$/m.exec(text)?.[1];
  const content =
    size === undefined ? 'the file' : `the file of ${Number(size).toLocaleString('en-US')} bytes`;
  return `this is a Git LFS pointer, not ${content} that it stands for: run "git lfs pull" in its repository, or fetch the model with "hf download"`;
}
