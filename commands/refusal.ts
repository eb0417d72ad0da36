/**
 * What a command throws when a change cannot be made as asked. It knows nothing of HTTP: the API answers with a problem
 * document of this code, the Vendor API with Gradient's form, an activity blocks its step.
 */

/**
 * `unknown`: there is no such row (of this organization). `conflict`: what is there now speaks against the change.
 * `impossible`: the input itself can never be carried out.
 */
export type RefusalKind = 'unknown' | 'conflict' | 'impossible';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;
  /** Stable, in lower case with hyphens: programs branch on it. */
  readonly code: string;
  /** The fields of the input that are wrong, if it is the fault of some. */
  readonly errors: readonly { field: string; message: string }[] | undefined;

  /** @param message what happened and what to do, in full sentences for a person */
  constructor(kind: RefusalKind, code: string, message: string, errors?: Refusal['errors']) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.errors = errors;
  }
}
