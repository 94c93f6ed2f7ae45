import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { type Role, roles } from "../../domain/access/operations.ts";
import { createOrg, ownedMax } from "../../domain/orgs/create-org.ts";
import { renameOrg } from "../../domain/orgs/rename-org.ts";
import { publicId } from "../../lib/ids.ts";
import { changes, json, jsonBody, posts, problems } from "../access.ts";
import { idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { conflict, notFound, Problem } from "../problem.ts";

const newOrg = z
  .strictObject({ name: line(100), livemode: z.boolean().default(false) })
  .openapi("NewOrganisation", { example: { name: "Acme Solar", livemode: false } });
const madeOrg = z
  .strictObject({
    id: idField("org"),
    object: z.literal("organisation"),
    name: z.string(),
    livemode: z.boolean(),
    role: z.literal("owner"),
    created_at: instantField,
  })
  .openapi("Organisation");

const changedOrg = z
  .strictObject({ name: line(100) })
  .openapi("ChangedOrganisation", { example: { name: "Acme Solar of Colorado" } });
const standingOrg = z
  .strictObject({
    id: idField("org"),
    object: z.literal("organisation"),
    name: z.string(),
    livemode: z.boolean(),
    role: z.enum(roles),
    created_at: instantField,
  })
  .openapi("OrganisationOfMember");

export function orgRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/orgs",
      summary: "Make an organisation, and be its owner",
      description: `A test organisation, with a clock of its own that stands at the present; whoever owns ${ownedMax} makes no more. A live one takes a second factor, and is refused (\`live_not_open\`) by a build that lacks a gate or a rule pack.`,
      tags: ["organisations"],
      ...posts("orgs.create"),
      request: { body: jsonBody(newOrg) },
      responses: { 201: json("It is there.", madeOrg), ...problems },
    }),
    async (c) => {
      const { name, livemode } = c.req.valid("json");
      const done = await createOrg(c.var.org, c.var.principal.id, { name, livemode }, c.env.now());
      if (done.ok) {
        const { id, createdAt, ...org } = done.value;
        return c.json(
          { id: publicId("org", id), object: "organisation" as const, ...org, role: "owner" as const, created_at: createdAt },
          201,
        );
      }
      switch (done.refusal) {
        case "second_factor_missing":
          throw new Problem("second_factor_missing", { detail: "A live organisation takes a second factor in this session." });
        case "live_not_open":
          throw conflict(
            done.refusal,
            "This build has neither all gates nor all rule packs (GET /v1/account of any organisation lists what is missing): only test organisations can be made.",
          );
        case "too_many_orgs":
          throw conflict(done.refusal, `Whoever owns ${ownedMax} makes no more. Hand one on, or ask the platform's operator.`);
      }
    },
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/orgs/{id}",
      summary: "Rename an organisation",
      description:
        "By its owners and admins. The path says which: `Dialgate-Org` is not needed, and names the same one where it is sent. Who calls whom is said by sellers, whose names this leaves.",
      tags: ["organisations"],
      ...changes("orgs.update"),
      request: { params: idParam("org"), body: jsonBody(changedOrg) },
      responses: { 200: json("The organisation.", standingOrg), ...problems },
    }),
    async (c) => {
      const { org } = c.var;
      const { orgId, role } = await org.bound();
      if (idOf("org", c.req.valid("param").id) !== orgId) throw notFound("organisation");
      const { name, livemode, createdAt } = await renameOrg(org, c.req.valid("json").name);
      return c.json(
        {
          id: publicId("org", orgId),
          object: "organisation" as const,
          name,
          livemode,
          role: role as Role,
          created_at: createdAt,
        },
        200,
      );
    },
  );
}
