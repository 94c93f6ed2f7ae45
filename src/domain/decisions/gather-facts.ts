import type {
  AttemptRow,
  CampaignFactsRow,
  ConsentEventRow,
  LeadRow,
  ScrubRow,
  SuppressionRow,
  VersionsRow,
} from "../../db/queries/dial-facts.ts";
import { type Answer, rowsOf } from "../../db/transport.ts";

/** What deciding a batch takes. */
export interface DialFacts {
  /** Null when there is nobody to decide about. */
  readonly versions: Pick<VersionsRow, "org_version" | "platform_version"> | null;
  readonly leads: readonly LeadFacts[];
  readonly campaigns: readonly CampaignFactsRow[];
}
/** One lead's own facts, with instants as the database spells them (`recorded` in lib/instant.ts). */
export interface LeadFacts extends Omit<LeadRow, "protected_id" | "protected_kind"> {
  /** The person's, read before any fact; -1 when it was not read, which is no version that a record finds. */
  readonly person_version: number;
  readonly protected_line: { readonly id: string; readonly kind: string } | null;
  readonly consent_events: readonly ConsentEventRow[];
  readonly suppressions: readonly SuppressionRow[];
  readonly scrubs: readonly ScrubRow[];
  readonly attempts: readonly AttemptRow[];
}

/** The answers to `readDialFacts`, each lead's facts together. */
export function gatherFacts(answers: readonly Answer[]): DialFacts {
  const [versions, leads, consent, suppressions, scrubs, attempts, campaigns] = answers as [
    Answer, Answer, Answer, Answer, Answer, Answer, Answer,
  ]; // prettier-ignore
  const versionRows = rowsOf<VersionsRow>(versions);
  const versionOf = new Map(versionRows.map((row) => [row.person_id, row.person_version]));
  const consentOf = byPerson<ConsentEventRow>(consent);
  const suppressionsOf = byPerson<SuppressionRow>(suppressions);
  const scrubsOf = byPerson<ScrubRow>(scrubs);
  const attemptsOf = byPerson<AttemptRow>(attempts);
  return {
    versions: versionRows[0] ?? null,
    campaigns: rowsOf(campaigns),
    leads: rowsOf<LeadRow>(leads).map(({ protected_id: protectedId, protected_kind: kind, ...lead }) => ({
      ...lead,
      person_version: versionOf.get(lead.person_id) ?? -1,
      protected_line: protectedId === null || kind === null ? null : { id: protectedId, kind },
      consent_events: consentOf(lead.person_id),
      suppressions: suppressionsOf(lead.person_id),
      scrubs: scrubsOf(lead.person_id),
      attempts: attemptsOf(lead.person_id),
    })),
  };
}

function byPerson<Row extends { readonly person_id: string }>(answer: Answer): (personId: string) => readonly Row[] {
  const rows = new Map<string, Row[]>();
  for (const row of rowsOf<Row>(answer)) {
    const known = rows.get(row.person_id);
    if (known === undefined) rows.set(row.person_id, [row]);
    else known.push(row);
  }
  return (personId) => rows.get(personId) ?? [];
}
