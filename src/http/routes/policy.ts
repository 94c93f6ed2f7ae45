import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { acknowledgeableLists, acknowledgeNoDnc, type Acknowledgement } from "../../domain/policies/acknowledge-no-dnc.ts";
import { findPolicy, type Policy, type PolicyChange, updatePolicy } from "../../domain/policies/update-policy.ts";
import { publicId } from "../../lib/ids.ts";
import { addSeconds, daySeconds } from "../../lib/instant.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { coded, idField, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { invalid } from "../problem.ts";

const listName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}(:[A-Z]{2})?$/, "A list's name is needed, such as national or state:FL.")
  .openapi({ example: "state:FL" });
const fields = {
  written_consent_over_national: z.boolean().openapi({
    description: "Whether a live written consent lifts a listing on the national registry (47 CFR 64.1200(c)(2)(ii)).",
  }),
  added_lists: z
    .array(
      listName.refine(
        (list) => list !== "wireless",
        coded("line_type_list", "A list of line types names nobody who asked not to be called."),
      ),
    )
    .max(100),
  consent_max_age_days: z.int().min(1).max(36_500).nullable(),
  grade_floor: z.enum(["A", "B", "C"]),
  caps: z.array(z.strictObject({ max: z.int().min(1).max(1000), window_hours: z.int().min(1).max(8760) })).max(10),
  attempts_max: z.int().min(1).max(100),
  recall_gap_seconds: z.int().min(0).max(31_536_000),
  max_concurrency: z.int().min(1).max(10_000),
  keep_transcripts: z.boolean(),
  keep_recordings: z.boolean(),
};
const policy = z.strictObject({ object: z.literal("policy"), ...fields }).openapi("Policy");
const changed = z
  .strictObject(fields)
  .partial()
  .openapi("ChangedPolicy", { example: { attempts_max: 4 } });
const acknowledgement = z
  .strictObject({
    id: idField("acknowledgement"),
    object: z.literal("dnc_acknowledgement"),
    lists: z.array(z.string()),
    by: z.string(),
    created_at: instantField,
    expires_at: instantField,
  })
  .openapi("DncAcknowledgement");

const view = (row: Policy): z.infer<typeof policy> => ({
  object: "policy",
  written_consent_over_national: row.writtenConsentOverNational,
  added_lists: row.addedLists,
  consent_max_age_days: row.consentMaxAgeDays,
  grade_floor: row.gradeFloor,
  caps: row.caps as z.infer<typeof policy>["caps"],
  attempts_max: row.attemptsMax,
  recall_gap_seconds: row.recallGapSeconds,
  max_concurrency: row.maxConcurrency,
  keep_transcripts: row.keepTranscripts,
  keep_recordings: row.keepRecordings,
});
const viewAcknowledgement = (row: Acknowledgement): z.infer<typeof acknowledgement> => ({
  id: publicId("acknowledgement", row.id),
  object: "dnc_acknowledgement",
  lists: row.lists,
  by: row.by,
  created_at: row.madeAt,
  expires_at: addSeconds(row.madeAt, 90 * daySeconds),
});

export function policyRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/policy",
      summary: "Read what the organisation chose beyond the law",
      tags: ["account"],
      ...reads("policy.get"),
      responses: { 200: json("The policy.", policy), ...problems },
    }),
    async (c) => c.json(view(await findPolicy(c.var.org)), 200),
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/policy",
      summary: "Change it",
      tags: ["account"],
      ...changes("policy.update"),
      request: { body: jsonBody(changed) },
      responses: { 200: json("The policy.", policy), ...problems },
    }),
    async (c) => c.json(view(await updatePolicy(c.var.org, changeOf(c.req.valid("json")))), 200),
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/dnc_acknowledgements",
      summary: "Acknowledge that no do-not-call provider is connected",
      description: "Names each list, state lists too; ends after 90 days. It opens only leads with a live written consent.",
      tags: ["account"],
      ...posts("dnc_acknowledgements.create"),
      request: {
        body: jsonBody(
          z
            .strictObject({ lists: z.array(listName).min(1).max(100), by: line(200) })
            .openapi("NewDncAcknowledgement", { example: { lists: ["national", "state:FL"], by: "Dana Reyes, owner" } }),
        ),
      },
      responses: { 201: json("The acknowledgement.", acknowledgement), ...problems },
    }),
    async (c) => {
      const done = await acknowledgeNoDnc(c.var.org, c.req.valid("json"));
      if (done.ok) return c.json(viewAcknowledgement(done.value), 201);
      const known = `Known here: ${acknowledgeableLists([]).join(", ")}, and what the policy's added_lists name.`;
      throw invalid({ pointer: "/lists", code: "unknown_value", detail: known });
    },
  );
}

const columns = {
  written_consent_over_national: "writtenConsentOverNational",
  added_lists: "addedLists",
  consent_max_age_days: "consentMaxAgeDays",
  grade_floor: "gradeFloor",
  caps: "caps",
  attempts_max: "attemptsMax",
  recall_gap_seconds: "recallGapSeconds",
  max_concurrency: "maxConcurrency",
  keep_transcripts: "keepTranscripts",
  keep_recordings: "keepRecordings",
} as const satisfies Record<keyof typeof fields, keyof PolicyChange>;

function changeOf(body: z.infer<typeof changed>): PolicyChange {
  const given = Object.entries(body).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [columns[name as keyof typeof columns], value]));
}
