/** Who makes a change, and for which organization. */
export interface Actor {
  organizationId: string;
  /** As the audit names them: `token:<id>`, or Countersign itself. */
  name: string;
}
