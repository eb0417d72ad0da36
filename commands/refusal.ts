/**
 * What a command throws when a change cannot be made as asked. A Refusal does not depend on HTTP: the API answers with
 * a problem document of its code, the Vendor API answers in Gradient's form, an activity blocks its step.
 */

/**
 * `unknown`: there is no such row (of this organization). `conflict`: the present state does not allow the change.
 * `impossible`: the input itself can never be carried out.
 */
export type RefusalKind = 'unknown' | 'conflict' | 'impossible';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;
  /** A stable code, in lower case with hyphens, on which programs branch. */
  readonly code: string;
  /** The fields of the input that are wrong; undefined when no single field is the cause. */
  readonly errors: readonly { field: string; message: string }[] | undefined;

  /** @param message what happened and what to do, in full sentences for a person */
  constructor(kind: RefusalKind, code: string, message: string, errors?: Refusal['errors']) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.errors = errors;
  }
}
