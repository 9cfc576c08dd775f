// In: a scenario and where its file lies. Out: the same with the absolute path of its caFile, or what is wrong with that file.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Problem } from '../../results/errors.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';

export type CaFileCheck<Checked extends Scenario> =
  | { scenario: Checked }
  | { problem: Omit<Problem, 'file'> };

/** @param scenarioPath absolute path of the scenario's file, which a relative caFile starts from. */
export async function locateCaFile<Checked extends Scenario>(
  scenario: Checked,
  scenarioPath: string,
): Promise<CaFileCheck<Checked>> {
  const { target } = scenario;
  if (target.caFile === undefined) return { scenario };
  const caFile = resolve(dirname(scenarioPath), target.caFile);
  try {
    new X509Certificate(await readFile(caFile, 'utf8'));
    return { scenario: { ...scenario, target: { ...target, caFile } } };
  } catch (error) {
    const isUnread = error instanceof Error && 'syscall' in error;
    const why = isUnread ? `can't be read: ${error.message}` : `${caFile} holds no certificate`;
    const hint = "a PEM file (-----BEGIN CERTIFICATE-----), by its path from the scenario's folder";
    return { problem: { path: 'target.caFile', message: why, hint } };
  }
}
