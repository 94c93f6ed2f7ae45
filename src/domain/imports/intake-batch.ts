import { type IntakeBatch, type IntakeNumber, type IntakeRow, valueSeparator } from "../../db/queries/intake.ts";
import { hexOf } from "../../lib/bytes.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";
import type { GivenLead, ReadLead } from "./read-row.ts";

export interface OfferedLead {
  readonly given: GivenLead;
  readonly lead: ReadLead;
  readonly line: number | null;
}

/** What one call to the database takes: each number once, under every pepper, and the rows that name it. */
export async function intakeBatch(
  offered: readonly OfferedLead[],
  numbers: NumberHasher,
  newId: () => string,
): Promise<IntakeBatch> {
  const positions = new Map<string, number>();
  const rows = offered.map(({ given, lead, line }): IntakeRow => {
    const position = positions.get(lead.e164) ?? positions.size + 1;
    positions.set(lead.e164, position);
    return {
      number: position,
      line,
      leadId: newId(),
      externalId: given.externalId,
      e164: lead.e164,
      firstName: given.firstName,
      lastName: given.lastName,
      email: given.email,
      city: given.city,
      state: given.state,
      zip: given.zip,
      source: given.source,
      notes: given.notes,
      candidateStates: lead.candidateStates,
      ineligibleReason: lead.ineligibleReason,
      evidenceId: lead.evidence === null ? null : newId(),
      evidence: lead.evidence,
    };
  });
  const hashed = await Promise.all([...positions.keys()].map((e164) => numbers.hashAll(e164)));
  const newest = Math.max(0, ...hashed.slice(0, 1).map((versions) => newestOf(versions).pepperVersion));
  return { pepperVersion: newest, numbers: hashed.map((versions) => keysOf(versions, newId())), rows };
}

type Hashes = Awaited<ReturnType<NumberHasher["hashAll"]>>;

function newestOf(versions: Hashes): Hashes[number] {
  const [newest] = versions.toSorted((one, other) => other.pepperVersion - one.pepperVersion);
  if (newest === undefined) throw new Error("a number was hashed under no pepper");
  return newest;
}

function keysOf(versions: Hashes, personId: string): IntakeNumber {
  const newest = newestOf(versions);
  const older =
    versions.length === 1 ? none : versions.filter((version) => version !== newest).map((version) => hexOf(version.hmac));
  return { personId, hmac: hexOf(newest.hmac), olderHmacs: older };
}
const none: readonly string[] = [];

/** What a value loses on its way into a column. */
export const withoutSeparator = (text: string): string =>
  text.includes(valueSeparator) ? text.replaceAll(valueSeparator, "\ufffd") : text;
