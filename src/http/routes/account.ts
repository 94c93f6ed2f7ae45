import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { describeAccount } from "../../domain/account/describe-account.ts";
import { publicId } from "../../lib/ids.ts";
import { json, problems, reads } from "../access.ts";
import { idField, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";

const account = z
  .strictObject({
    id: idField("org"),
    object: z.literal("account"),
    name: z.string(),
    livemode: z.boolean(),
    now: instantField,
    created_at: instantField,
    gates: z.array(z.strictObject({ gate: z.string(), version: z.int(), kind: z.string() })),
    mandatory_gates: z.array(z.string()),
    rule_packs: z.array(z.strictObject({ id: z.string(), version: z.string(), digest: z.string() })),
    state_conditions: z.array(z.strictObject({ gate: z.string(), states: z.array(z.string()) })).openapi({
      description: "What single states ask besides, by the gate that asks it. Their calling hours are not among these.",
    }),
    missing_gates: z.array(z.string()),
    missing_rule_packs: z.array(z.string()),
    warnings: z.array(z.strictObject({ code: z.string(), detail: z.string() })),
  })
  .openapi("Account");

export function accountRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/account",
      summary: "Who this organisation is, and which gates judge its dials",
      description:
        "With the organisation's clock (`now`), the versions of gates and rule packs, what this build lacks of them, and warnings about what the organisation has not set up.",
      tags: ["account"],
      ...reads("account.get"),
      responses: { 200: json("The account.", account), ...problems },
    }),
    async (c) => {
      const found = await describeAccount(c.var.org);
      return c.json(
        {
          id: publicId("org", found.orgId),
          object: "account" as const,
          name: found.name,
          livemode: found.livemode,
          now: found.now,
          created_at: found.createdAt,
          gates: [...found.gates],
          mandatory_gates: [...found.mandatoryGates],
          rule_packs: found.packs.map(({ id, version, digest }) => ({ id, version, digest })),
          state_conditions: found.stateConditions.map(({ gate, states }) => ({ gate, states: [...states] })),
          missing_gates: [...found.missingGates],
          missing_rule_packs: [...found.missingPacks],
          warnings: [...found.warnings],
        },
        200,
      );
    },
  );
}
