/** A model on the hub. */
export interface HubModel {
  /** `owner/name` */
  readonly repo: string;
  /** A branch, a tag or a commit; `main` where none is written. */
  readonly revision: string;
}

/** `owner/name` or `owner/name@revision`; like git's names, without two dots in a row. */
export const hubPattern = String.raw`^(?!.*\.\.)\w[\w.-]*/\w[\w.-]*(@\w[\w./-]*)?$`;

/** Undefined for what can only be a path. */
export function parseHubName(text: string): HubModel | undefined {
  if (!new RegExp(hubPattern).test(text)) return undefined;
  const [repo = '', revision = 'main'] = text.split('@');
  return { repo, revision };
}
