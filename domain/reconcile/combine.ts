import { roundQuantity, sameQuantity, tidy } from '../quantities.ts';
import type { Combine, ReconcileInput, UsageInput } from './types.ts';

export interface CombinedUsage {
  /** null = nothing was ever reported, or a rule is missing. */
  usage: number | null;
  /** How many counts were never reported. */
  unreported: number;
  how: string;
  needsRule?: { reason: string; words: string };
}

/** Combines several services into one product. The same mailbox must not be billed twice, so a person says how. */
export function combineUsage(input: ReconcileInput, productId: string, counts: readonly UsageInput[]): CombinedUsage {
  const reported = counts.filter((count) => count.quantity !== null);
  const unreported = counts.length - reported.length;
  const byService = new Map<string, UsageInput[]>();
  for (const count of reported) {
    const key = JSON.stringify([count.integrationId, count.serviceId]);
    byService.set(key, [...(byService.get(key) ?? []), count]);
  }
  const services = [...byService.values()].map((group) => serviceTotal(input, group));
  if (services.length === 0) return { usage: null, unreported, how: 'nothing was reported' };

  const rule = input.combine[productId];
  // A service that was never reported counts here too: the rule must be chosen before its first number arrives.
  const feeding = new Set(counts.map((count) => JSON.stringify([count.integrationId, count.serviceId])));
  if (feeding.size > 1 && rule === undefined) {
    return {
      usage: null,
      unreported,
      how: 'several services, no rule',
      needsRule: {
        reason: 'no_combine_rule',
        words: 'Several services feed this product. Choose how they combine: Add, Highest or Distinct users.',
      },
    };
  }
  if (rule === undefined || services.length === 1) return { usage: services[0] ?? 0, unreported, how: 'one service' };
  return combineBy(rule, services, reported, unreported);
}

function combineBy(
  rule: Combine,
  services: readonly number[],
  reported: readonly UsageInput[],
  unreported: number,
): CombinedUsage {
  switch (rule) {
    case 'add':
      return { usage: tidy(services.reduce((sum, quantity) => sum + quantity, 0)), unreported, how: 'Add' };
    case 'highest':
      return { usage: Math.max(...services), unreported, how: 'Highest' };
    case 'distinct': {
      if (reported.some((count) => !sameQuantity(partsTotal(count), count.quantity ?? 0))) {
        return {
          usage: null,
          unreported,
          how: 'Distinct users, but the parts are not known',
          needsRule: {
            reason: 'parts_unknown',
            words:
              'Distinct users needs the user groups of every count, which this intake does not give. Choose Add or Highest.',
          },
        };
      }
      return { usage: distinctUsers(reported), unreported, how: 'Distinct users' };
    }
  }
}

/** A service's counts over all vendor accounts mapped here, rounded as its mapping says. */
function serviceTotal(input: ReconcileInput, group: readonly UsageInput[]): number {
  const [first] = group;
  const mapping = input.mappings.find(
    (candidate) => candidate.integrationId === first?.integrationId && candidate.serviceId === first.serviceId,
  );
  const sum = group.reduce((total, count) => total + (count.quantity ?? 0), 0);
  return roundQuantity(sum, mapping?.rounding ?? 'none');
}

/** A group holds the same users under each service, so this takes a group's highest count over services, and sums the groups. */
function distinctUsers(counts: readonly UsageInput[]): number {
  const byGroup = new Map<string, number>();
  for (const count of counts) {
    for (const part of count.parts) {
      const key = JSON.stringify([count.integrationId, part.groupId]);
      byGroup.set(key, Math.max(byGroup.get(key) ?? 0, part.quantity));
    }
  }
  return tidy([...byGroup.values()].reduce((sum, quantity) => sum + quantity, 0));
}

function partsTotal(count: UsageInput): number {
  return count.parts.reduce((sum, part) => sum + part.quantity, 0);
}
