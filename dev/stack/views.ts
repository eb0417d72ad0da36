/** Prepared views of the Temporal UI, as docs/operations.md lists them. */
const views = {
  Blocked: "ExecutionStatus = 'Running' and Blocked = true",
  'Waiting for people':
    "ExecutionStatus = 'Running' and Blocked = false and Process in ('connect', 'migrateToAlerts', 'onboardCustomer')",
  'Under way':
    "ExecutionStatus = 'Running' and Blocked = false and Process in ('sync', 'refreshPsa', 'approveUsage', 'deliverAlert')",
};

/** @param temporalUi its address; @returns a line for each view, with its link */
export function viewLinks(temporalUi: string): string[] {
  return Object.entries(views).map(
    ([name, query]) =>
      `  ${name.padEnd(48)} ${temporalUi}/namespaces/default/workflows?query=${encodeURIComponent(query)}`,
  );
}
