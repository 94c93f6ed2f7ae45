import { and, eq, ne } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { enrolCampaign, type EnrolledLeads, type EnrolledRow } from "../../db/queries/campaigns.ts";
import { reachableConnection, type ReachableRow } from "../../db/queries/connections.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { rowsOf } from "../../db/transport.ts";
import { campaigns, connections } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { reachVoice } from "../connections/reach-voice.ts";
import type { Adapters } from "../connections/test-connection.ts";
import type { Campaign } from "./create-campaign.ts";
import { type UnknownLeads, unknownOf } from "./enrol-leads.ts";
import { findCampaign } from "./find-campaigns.ts";

interface LaunchWarning {
  readonly code:
    | "no_dnc_provider"
    | "dnc_provider_failing"
    | "registration_unrecorded"
    | "no_eligible_leads"
    | "transcripts_unconfirmed";
  readonly detail: string;
}
export interface Launched {
  readonly campaign: Campaign;
  readonly enrolled: number;
  readonly warnings: readonly LaunchWarning[];
}
export type LaunchRefusal = "campaign_unknown" | "not_a_draft" | "connection_not_active" | "transcripts_withheld" | UnknownLeads;

/**
 * Starts a draft: its eligible leads (those that are named, or all) enter the queue. A connection that withholds
 * transcripts is refused: without them no call could be searched for a stop, and nobody would be callable twice.
 */
export async function launchCampaign(
  org: OrgDb,
  adapters: Adapters,
  id: string,
  which: EnrolledLeads,
): Promise<Result<Launched, LaunchRefusal>> {
  const draft = await findCampaign(org, id);
  if (draft === null) return refuse("campaign_unknown");
  if (draft.status !== "draft") return refuse("not_a_draft");
  const stores = await storesTranscripts(org, adapters, draft.connectionId);
  if (stores === "not_active") return refuse("connection_not_active");
  if (stores === false) return refuse("transcripts_withheld");
  return org.change({ action: "campaign.launched", subject: publicId("campaign", id) }, async (w) => {
    const refused = (refusal: LaunchRefusal) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    await w.rows(bumpOrg());
    const unknown = await unknownOf(w, which);
    if (unknown !== null) return refused(unknown);
    const stillDraft = and(eq(campaigns.id, id), eq(campaigns.status, "draft"));
    const [campaign] = await w.update(campaigns, stillDraft ?? eq(campaigns.id, id), {
      status: "running",
      statusReason: null,
      launchedAt: w.now,
    });
    if (campaign === undefined) return refused("not_a_draft");
    const [row] = await w.rows<EnrolledRow>(enrolCampaign(id, which));
    const enrolled = row?.enrolled ?? 0;
    w.note({ enrolled });
    const dnc = await w.find(connections, and(eq(connections.kind, "dnc"), ne(connections.status, "disabled")), { limit: 100 });
    const warnings = warningsOf(
      enrolled,
      stores,
      dnc.map((connection) => connection.status),
    );
    return ok({ campaign, enrolled, warnings });
  });
}

/** Whether calls over the connection can be searched for a stop; null when the provider does not say. */
export async function storesTranscripts(
  org: OrgDb,
  adapters: Adapters,
  connectionId: string,
): Promise<boolean | null | "not_active"> {
  const { bound, answers } = await org.query(reachableConnection(connectionId));
  const [row] = answers[0] === undefined ? [] : rowsOf<ReachableRow>(answers[0]);
  if (row === undefined || row.status !== "active") return "not_active";
  const provider = reachVoice(adapters, bound, row);
  if (provider === null) return "not_active";
  const checked = await provider.check();
  // A provider that does not answer now says nothing about its settings: the launch stands, with a warning.
  return checked.ok ? checked.value.storesTranscripts : null;
}

function warningsOf(enrolled: number, stores: boolean | null, dnc: readonly string[]): LaunchWarning[] {
  const warnings: LaunchWarning[] = [
    {
      code: "registration_unrecorded",
      detail: "No state registration or permit of the seller is on record here; some states ask for one.",
    },
  ];
  if (dnc.length === 0)
    warnings.push({
      code: "no_dnc_provider",
      detail:
        "No do-not-call provider is connected: sales calls are refused without one, or without the owner's acknowledgement.",
    });
  else if (!dnc.includes("active"))
    warnings.push({ code: "dnc_provider_failing", detail: "The do-not-call provider is failing: no new scrub can be made." });
  if (enrolled === 0) warnings.push({ code: "no_eligible_leads", detail: "No eligible lead entered the queue." });
  if (stores === null)
    warnings.push({
      code: "transcripts_unconfirmed",
      detail: "The provider did not say whether it keeps transcripts for the stop check.",
    });
  return warnings;
}
