/** Where checks may look, and how long one attempt of theirs may take. */

/** Where a check may look. Named in a suite, never in a message. */
export interface Targets {
  readonly url: UrlTarget;
  readonly host: { readonly host: string; readonly port: number; readonly reach: Reach };
  readonly kubernetes: { readonly namespace: string };
  readonly loop: Readonly<Record<never, never>>;
}
export interface UrlTarget {
  readonly url: string;
  readonly reach: Reach;
  /** It asks who calls. Default: it does not. */
  readonly idToken?: boolean;
}
export type TargetKind = keyof Targets;

/** Which addresses may be connected to. Metadata servers and link-local addresses never are. */
export interface Reach {
  /** RFC 1918 and the like: where clusters have their services. */
  readonly private: boolean;
  /** This machine: where the local stack runs. */
  readonly loopback: boolean;
}

export interface CheckContext {
  /** Host epoch milliseconds by which the attempt ends. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  /**
   * Host epoch milliseconds: what was read before is no answer to this attempt, for it is what is to be confirmed. Absent: all that the
   * run has read is good enough.
   */
  readonly freshAfterMs?: number;
}
