/** The rules of deploy/prometheus/alerts.yaml, judged by what `/metrics` says. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { parse } from 'yaml';

export interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook_url: string };
}

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export const rules = (
  parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);

/** @param apiUrl the address of an api */
export async function scrape(apiUrl: string): Promise<Sample[]> {
  const text = await (await fetch(`${apiUrl}/metrics`)).text();
  return [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text])),
    value: Number(value),
  }));
}

/**
 * The samples for which a rule fires, its `for` left out. Knows the forms that alerts.yaml uses, and no others.
 *
 * @param above replaces the rule's own limit, where a test has not the time that it takes
 */
export function firing(rule: Rule | undefined, samples: readonly Sample[], above?: number): Sample[] {
  const { alert, expr } = rule ?? { alert: 'no such rule', expr: '' };
  const of = (name: string | undefined) => samples.filter((sample) => sample.name === name);
  const absent = /^absent\((\w+)\)$/.exec(expr);
  if (absent) return of(absent[1]).length > 0 ? [] : [{ name: alert, labels: {}, value: 1 }];
  const pair = /^(\w+) > on \(integration\) (\w+)$/.exec(expr);
  if (pair)
    return of(pair[1]).filter(({ labels, value }) =>
      of(pair[2]).some((limit) => limit.labels['integration'] === labels['integration'] && value > limit.value),
    );
  const [, name, label, text, limit = ''] = /^(\w+)(?:\{(\w+)="(.*)"\})? > ([\d* ]+)$/.exec(expr) ?? [];
  expect(name, `${alert}: ${expr}`).toBeDefined();
  const least = above ?? limit.split('*').reduce((product, factor) => product * Number(factor), 1);
  return of(name).filter(({ labels, value }) => (label ? labels[label] === text : true) && value > least);
}

/** Whether a rule fires with these labels, its `for` left out. @param above replaces its own limit */
export async function fires(
  alert: string,
  apiUrl: string,
  labels: Record<string, string>,
  above?: number,
): Promise<boolean> {
  const found = firing(
    rules.find((rule) => rule.alert === alert),
    await scrape(apiUrl),
    above,
  );
  return found.some((sample) => Object.entries(labels).every(([name, value]) => sample.labels[name] === value));
}
