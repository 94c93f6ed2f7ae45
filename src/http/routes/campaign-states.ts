import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { EnrolledLeads } from "../../db/queries/campaigns.ts";
import { enrolLeads, type EnrolRefusal, type UnknownLeads } from "../../domain/campaigns/enrol-leads.ts";
import { launchCampaign, type LaunchRefusal } from "../../domain/campaigns/launch-campaign.ts";
import { pauseCampaign } from "../../domain/campaigns/pause-campaign.ts";
import { resumeCampaign } from "../../domain/campaigns/resume-campaign.ts";
import { type ChangeRefusal, updateCampaign } from "../../domain/campaigns/update-campaign.ts";
import { publicId } from "../../lib/ids.ts";
import { changes, json, jsonBody, posts, problems } from "../access.ts";
import { coded, givenId, idField, idOf, idParam, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { conflict, invalid, notFound } from "../problem.ts";
import { campaign, viewCampaign } from "./campaigns.ts";

const launched = z
  .strictObject({
    ...campaign.shape,
    enrolled: z.int(),
    warnings: z.array(z.strictObject({ code: z.string(), detail: z.string() })),
  })
  .openapi("LaunchedCampaign");
/** Which leads enter the queue. None at all is a choice: `lead_ids: []` for a campaign of single calls. */
const chosen = z
  .strictObject({
    lead_ids: z.array(givenId("lead")).max(1_000).optional(),
    import_ids: z.array(givenId("import")).max(100).optional(),
  })
  .refine(({ lead_ids: leads, import_ids: imports }) => leads === undefined || imports === undefined, {
    path: ["import_ids"],
    ...coded("one_of_two", "Give either `lead_ids` or `import_ids`, or neither for every lead."),
  })
  .openapi("ChosenLeads", {
    description: "The named leads, or those of the named imports; `{}` for every eligible lead that is not in it yet.",
    // One that any organisation may send; the ids of the others are its own.
    example: {},
  });
type Chosen = z.infer<typeof chosen>;
const whichOf = ({ lead_ids: leads, import_ids: imports }: Chosen): EnrolledLeads =>
  leads !== undefined
    ? { leadIds: idsOf("lead", leads) }
    : imports !== undefined
      ? { importIds: idsOf("import", imports) }
      : "all";
const enrolment = z
  .strictObject({
    object: z.literal("enrolment"),
    campaign_id: idField("campaign"),
    enrolled: z.int(),
    already_enrolled: z.int().openapi({ description: "In the queue, or done: a lead enters once." }),
    ineligible: z.int().openapi({ description: "Their consent does not pass; `GET /v1/leads/{id}` says why." }),
  })
  .openapi("Enrolment");
const changed = z
  .strictObject({ max_concurrency: z.int().min(1).max(10_000).optional(), connection_id: givenId("connection").optional() })
  .openapi("CampaignChange", { example: { max_concurrency: 20 } });

export function campaignStateRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/campaigns/{id}",
      summary: "Change a campaign's limit, or the connection over which it calls",
      description: "Another connection only while it does not run; its caller number becomes the campaign's.",
      tags: ["campaigns"],
      ...changes("campaigns.update"),
      request: { params: idParam("campaign"), body: jsonBody(changed) },
      responses: { 200: json("The campaign.", campaign), ...problems },
    }),
    async (c) => {
      const { max_concurrency: maxConcurrency, connection_id: connection } = c.req.valid("json");
      const done = await updateCampaign(c.var.org, c.env.adapters, idOf("campaign", c.req.valid("param").id), {
        ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
        ...(connection === undefined ? {} : { connectionId: idOf("connection", connection) }),
      });
      if (!done.ok) throw changeProblem(done.refusal);
      return c.json(viewCampaign(done.value), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/campaigns/{id}/launch",
      summary: "Launch a draft",
      description:
        "Eligible leads enter the queue: all that the org has, or the named ones; each is dialed only when every gate allows it. `lead_ids: []` is a campaign for single calls. Read the warnings.",
      tags: ["campaigns"],
      ...posts("campaigns.launch"),
      request: {
        params: idParam("campaign"),
        body: {
          required: false,
          content: { "application/json": { schema: chosen } },
        },
      },
      responses: { 200: json("It runs.", launched), ...problems },
    }),
    async (c) => {
      const given = c.req.valid("json");
      const id = idOf("campaign", c.req.valid("param").id);
      const done = await launchCampaign(c.var.org, c.env.adapters, id, whichOf(given));
      if (!done.ok) throw typeof done.refusal === "string" ? launchProblem(done.refusal) : unknownProblem(done.refusal, given);
      for (const work of ["scrub", "dial", "standing"] as const) await c.env.wake(done.value.campaign.orgId, work);
      return c.json(
        { ...viewCampaign(done.value.campaign), enrolled: done.value.enrolled, warnings: [...done.value.warnings] },
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/campaigns/{id}/enrol",
      summary: "Let further leads into the queue",
      description:
        "For leads that came after the launch: those that are named, those of the imports, or all that the org has. Each is due at once, and dialed only when every gate allows it. A lead enters a campaign's queue once.",
      tags: ["campaigns"],
      ...posts("campaigns.enrol"),
      request: { params: idParam("campaign"), body: jsonBody(chosen) },
      responses: { 200: json("How many entered the queue, and why the others did not.", enrolment), ...problems },
    }),
    async (c) => {
      const id = idOf("campaign", c.req.valid("param").id);
      const given = c.req.valid("json");
      const done = await enrolLeads(c.var.org, id, whichOf(given));
      if (!done.ok) throw enrolProblem(done.refusal, given);
      if (done.value.enrolled > 0) {
        const { orgId } = c.var.org.lastBound ?? (await c.var.org.bound());
        for (const work of ["scrub", "dial", "standing"] as const) await c.env.wake(orgId, work);
      }
      return c.json({ object: "enrolment" as const, campaign_id: publicId("campaign", id), ...done.value }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/campaigns/{id}/pause",
      summary: "Pause a campaign, at once",
      description: "When it has answered, no dial of the campaign leaves any more: permits that were not used are void.",
      tags: ["campaigns"],
      ...posts("campaigns.pause"),
      request: {
        params: idParam("campaign"),
        body: {
          required: false,
          content: {
            "application/json": {
              schema: z
                .strictObject({ reason: line(200).optional() })
                .openapi("Pause", { example: { reason: "Complaint under review" } }),
            },
          },
        },
      },
      responses: { 200: json("It is paused.", campaign), ...problems },
    }),
    async (c) => {
      const done = await pauseCampaign(c.var.org, idOf("campaign", c.req.valid("param").id), c.req.valid("json").reason ?? null);
      if (done.ok) return c.json(viewCampaign(done.value), 200);
      if (done.refusal === "campaign_unknown") throw notFound("campaign");
      throw conflict(done.refusal, "Only a running campaign can be paused.");
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/campaigns/{id}/resume",
      summary: "Resume a paused campaign",
      description:
        "Whoever was refused for the pause alone is judged again at once. 409 `conflict` with `scrub_wanted` while a do-not-call source that was disconnected has no successor.",
      tags: ["campaigns"],
      ...posts("campaigns.resume"),
      request: { params: idParam("campaign") },
      responses: { 200: json("It runs.", campaign), ...problems },
    }),
    async (c) => {
      const done = await resumeCampaign(c.var.org, idOf("campaign", c.req.valid("param").id));
      if (done.ok) {
        await c.env.wake(done.value.orgId, "dial");
        return c.json(viewCampaign(done.value), 200);
      }
      if (done.refusal === "campaign_unknown") throw notFound("campaign");
      throw conflict(done.refusal, resumeDetails[done.refusal]);
    },
  );
}

const resumeDetails = {
  not_paused: "Only a paused campaign can be resumed.",
  connection_not_active: "Its connection is not active.",
  scrub_wanted:
    "The do-not-call provider that served it was disconnected, and no other has scrubbed since: connect another, wait for its scrub, then resume.",
} as const;

const idsOf = (kind: "lead" | "import", given: readonly string[]): string[] => [...new Set(given.map((one) => idOf(kind, one)))];

function enrolProblem(refusal: EnrolRefusal, given: Chosen) {
  switch (refusal.code) {
    case "campaign_unknown":
      return notFound("campaign");
    case "not_launched":
      return conflict(refusal.code, "A draft has no queue yet: launch it, and its eligible leads enter.");
    case "campaign_ended":
      return conflict(refusal.code, "The campaign has ended.");
    case "lead_unknown":
    case "import_unknown":
      return unknownProblem(refusal, given);
  }
}

function unknownProblem({ code, missing }: UnknownLeads, given: Chosen) {
  const [kind, list] = code === "lead_unknown" ? (["lead", "lead_ids"] as const) : (["import", "import_ids"] as const);
  const at = (given[list] ?? []).findIndex((one) => idOf(kind, one) === missing);
  return invalid({ pointer: `/${list}/${at}`, code, detail: `There is no such ${kind}.` });
}

function changeProblem(refusal: ChangeRefusal) {
  switch (refusal) {
    case "campaign_unknown":
      return notFound("campaign");
    case "connection_unknown":
      return invalid({ pointer: "/connection_id", code: refusal, detail: "There is no such connection." });
    case "connection_not_voice":
      return invalid({ pointer: "/connection_id", code: refusal, detail: "A campaign calls over a voice connection." });
    case "campaign_runs":
      return conflict(refusal, "Pause it first: calls over the old connection may be under way.");
    default:
      return launchProblem(refusal);
  }
}

function launchProblem(refusal: Exclude<LaunchRefusal, UnknownLeads>) {
  switch (refusal) {
    case "campaign_unknown":
      return notFound("campaign");
    case "not_a_draft":
      return conflict(refusal, "Only a draft can be launched.");
    case "connection_not_active":
      return conflict(refusal, "Its connection is not active, or cannot be reached as it is configured.");
    case "transcripts_withheld":
      return conflict(
        refusal,
        "The provider withholds transcripts: switch their storage on there, so that each call can be searched for a stop.",
      );
  }
}
