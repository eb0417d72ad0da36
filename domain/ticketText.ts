/** The texts of a ticket and of its notes. */
import { fillIn, oneLine, type AlertField, type AlertSettings } from './alerts.ts';

export interface AlertToDeliver {
  alert: {
    alertId: string;
    source: 'vendor' | 'rule' | 'storm' | 'test';
    title: string;
    description: string;
    priority: number;
    revision: number;
    receivedAt: Date;
    dueAt: Date | null;
    clearedAt: Date | null;
    previousTicketId: string | null;
  };
  integration: { vendor: string };
  accountName: string;
  serviceName: string | null;
  /** For a ticket that gathers many alerts: their titles, each with how many there are. */
  gathered: { title: string; count: number }[] | undefined;
}

export const priorityLabels = ['low', 'medium', 'high', 'very high'] as const;

/** @param maxLength the most characters that the PSA takes in a summary */
export function ticketText(
  alertToDeliver: AlertToDeliver,
  templates: Pick<AlertSettings, 'summary' | 'body'>,
  maxLength: number,
): { summary: string; body: string } {
  const { alert } = alertToDeliver;
  if (alertToDeliver.gathered) {
    const text = gatheredText(alertToDeliver.gathered);
    return { summary: oneLine(`${text.title} (${alertToDeliver.accountName})`, maxLength), body: text.list };
  }
  const values = valuesOf(alertToDeliver);
  const before = [
    ...(alert.source === 'test' ? ['This is a test of the way from an alert to a ticket. It can be closed.'] : []),
    ...(alert.previousTicketId === null ? [] : [`It follows ticket ${alert.previousTicketId}, which was closed.`]),
  ];
  return {
    summary: oneLine(fillIn(templates.summary, values), maxLength),
    body: [...before, fillIn(templates.body, values)].join('\n\n'),
  };
}

const labelOfReference = 'Reference: ';

/** A ticket's text with our reference as its last line, for a PSA that has no field in which a reference can be searched. */
export const withReference = (body: string, reference: string): string => `${body}\n\n${labelOfReference}${reference}`;

/**
 * The reference that `withReference` wrote into a ticket's text; undefined = none. The last such line counts, because the vendor's
 * own text stands before it, and may hold anything.
 */
export function referenceIn(text: string): string | undefined {
  const line = text.split(/\r?\n/).findLast((each) => each.startsWith(labelOfReference));
  return line?.slice(labelOfReference.length).trim();
}

/** The text of the note that brings a ticket up to date. */
export function noteText(alertToDeliver: AlertToDeliver): string {
  const { alert } = alertToDeliver;
  if (alertToDeliver.gathered) {
    const text = gatheredText(alertToDeliver.gathered);
    return `${text.title} so far.\n\n${text.list}`;
  }
  if (alert.clearedAt) return `It is over: "${alert.title}" no longer holds since ${whenOf(alert.clearedAt)}.`;
  return `It came again (${alert.revision} times so far).\n\n${alert.title}\n\n${alert.description}\n\nPriority: ${priorityOf(alert.priority)}`;
}

/** At most so many titles are listed; the rest is one number. */
const maxListed = 50;

function gatheredText(gathered: readonly { title: string; count: number }[]) {
  const total = gathered.reduce((sum, { count }) => sum + count, 0);
  const lines = gathered.slice(0, maxListed).map(({ title, count }) => `${count} × ${title}`);
  const others = gathered.slice(maxListed).reduce((sum, { count }) => sum + count, 0);
  return {
    title: `${total} more alerts`,
    list: [...lines, ...(others > 0 ? [`${others} × others`] : [])].join('\n'),
  };
}

function valuesOf({ alert, integration, accountName, serviceName }: AlertToDeliver): Record<AlertField, string | null> {
  return {
    title: alert.title,
    description: alert.description,
    account: accountName,
    service: serviceName,
    priority: priorityOf(alert.priority),
    alertId: alert.alertId,
    vendor: integration.vendor,
    receivedAt: whenOf(alert.receivedAt),
    dueAt: alert.dueAt && whenOf(alert.dueAt),
  };
}

const priorityOf = (priority: number) => priorityLabels[priority - 1] ?? String(priority);
const whenOf = (date: Date) => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
