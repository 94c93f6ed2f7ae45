import type { OrgDb } from "../../db/org-db.ts";
import { type AccountRow, accountState } from "../../db/queries/account.ts";
import { rowsOf } from "../../db/transport.ts";
import { gates, gatesMissing, mandatoryGates } from "../../gates/registry.ts";
import { conditionsOfStates, packRefs, packsMissing } from "../../gates/rules/packs.ts";
import type { PackRef } from "../../gates/snapshot.ts";
import { addSeconds, daySeconds, type Instant } from "../../lib/instant.ts";

interface AccountWarning {
  readonly code: string;
  readonly detail: string;
}
export interface Account {
  readonly orgId: string;
  readonly name: string;
  readonly livemode: boolean;
  readonly now: Instant;
  readonly createdAt: string;
  readonly gates: readonly { readonly gate: string; readonly version: number; readonly kind: string }[];
  readonly mandatoryGates: readonly string[];
  readonly packs: readonly PackRef[];
  /** Where single states ask for more than the packs, by the gate that asks; their calling hours are not among them. */
  readonly stateConditions: readonly { readonly gate: string; readonly states: readonly string[] }[];
  readonly missingGates: readonly string[];
  readonly missingPacks: readonly string[];
  readonly warnings: readonly AccountWarning[];
}

/** Who this organisation is, which gates and packs judge its dials in this build, and what it should not overlook. */
export async function describeAccount(org: OrgDb): Promise<Account> {
  const { bound, answers } = await org.query(accountState());
  const [row] = answers[0] === undefined ? [] : rowsOf<AccountRow>(answers[0]);
  if (row === undefined) throw new Error("an org without a calling policy");
  return {
    orgId: bound.orgId,
    name: row.name,
    livemode: bound.livemode,
    now: bound.now,
    createdAt: row.created_at,
    gates: gates.map(({ name, version, kind }) => ({ gate: name, version, kind })),
    mandatoryGates,
    packs: await packRefs(),
    stateConditions: statesByGate(),
    missingGates: gatesMissing,
    missingPacks: packsMissing,
    warnings: warningsOf(row, bound.now),
  };
}

function statesByGate(): { gate: string; states: string[] }[] {
  return gates.flatMap(({ name }) => {
    const rows = conditionsOfStates.filter((row) => row.gate === name);
    return rows.length === 0 ? [] : [{ gate: name, states: [...new Set(rows.flatMap((row) => row.states ?? []))].toSorted() }];
  });
}

function warningsOf(row: AccountRow, now: Instant): AccountWarning[] {
  const warnings: AccountWarning[] = [
    {
      code: "registration_unrecorded",
      detail: "No state registration or permit of a seller is on record; some states ask for one.",
    },
    {
      code: "test_orgs_only",
      detail:
        "This build has neither all gates nor all rule packs (`missing_gates`, `missing_rule_packs`), so single states' calling hours, holidays and bans of artificial voices are not asked: it serves test organisations alone.",
    },
  ];
  const acknowledged = row.acknowledged_at !== null && now < addSeconds(row.acknowledged_at as Instant, 90 * daySeconds);
  if (row.dnc_active === 0 && row.dnc_failing === 0 && row.dnc_disabled > 0) {
    warnings.push({
      code: "dnc_disconnected",
      detail:
        "The do-not-call provider was disconnected: what it held up opens only after another has scrubbed, and no acknowledgement stands in for that.",
    });
  } else if (row.dnc_active === 0 && row.dnc_failing === 0) {
    warnings.push(
      acknowledged
        ? {
            code: "dnc_acknowledged_without_provider",
            detail: "No do-not-call provider is connected; the acknowledgement opens leads with a live written consent alone.",
          }
        : {
            code: "no_dnc_provider",
            detail: "No do-not-call provider is connected and nobody has acknowledged it: sales calls are refused.",
          },
    );
  }
  if (row.failing_connections > 0) warnings.push({ code: "connection_failing", detail: "A connection is failing; test it." });
  if (row.written_consent_over_national) {
    warnings.push({
      code: "written_consent_over_national",
      detail: "A live written consent lifts a listing on the national registry (47 CFR 64.1200(c)(2)(ii)).",
    });
  }
  if (row.open_halts > 0) warnings.push({ code: "halt_open", detail: "A halt is open: dials that it covers are refused." });
  if (row.open_incidents > 0) warnings.push({ code: "incident_open", detail: "An incident is open." });
  return warnings;
}
