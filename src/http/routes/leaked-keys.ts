import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { revokeLeaked } from "../../domain/api-keys/revoke-leaked.ts";
import { json, problems } from "../access.ts";
import type { HttpEnv } from "../http-env.ts";
import { readJson } from "../read-json.ts";

const bodyBytesMax = 256 * 1024;
const reportsMax = 100;
/** As much as the body has room for: whoever puts a key somewhere chooses how long its address is. */
const charactersMax = 200_000;

/** As secret-scanning partners send it. What else they say is passed over, on purpose: the form is theirs to add to, and a report refused is a key that stays. */
const report = z.object({
  token: z.string().max(charactersMax),
  type: z.string().max(charactersMax).nullish(),
  url: z.string().max(charactersMax).nullish(),
});
const exampleReport = { token: "dg_test_…", type: "dialgate_api_key", url: "https://github.com/acme/crm/blob/main/.env" };
const answer = z
  .strictObject({
    object: z.literal("list"),
    data: z.array(z.strictObject({ result: z.enum(["received", "not_a_key"]) })),
  })
  .openapi("LeakReportAnswer", {
    description:
      "One for each, in the order sent. `received` is said of every text of a key's form, whether there is such a key or not.",
  });

/** Whoever can show a whole key could use it: that it is public is reason enough to revoke it, whoever says so. */
export function leakedKeyRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/leaked_keys",
      operationId: "leaked_keys.report",
      summary: "Report API keys that were found in public",
      description:
        "Needs no key of its own: each key that is shown whole is revoked at once, and its organisation's owners get mail. In the form of GitHub's secret scanning partner programme, whose signature is checked where its keys are configured and says in the audit log who reported. Members of that form that are not known here are passed over.",
      tags: ["api_keys"],
      "x-public": true,
      security: [],
      middleware: [readJson(bodyBytesMax)],
      request: {
        body: {
          required: true,
          content: { "application/json": { schema: z.array(report).min(1).max(reportsMax), example: [exampleReport] } },
        },
      },
      responses: { 200: json("Done.", answer), ...problems },
    }),
    async (c) => {
      const visitor = c.env.system.asVisitor(c.var.requestId, c.env.now());
      c.set("org", visitor);
      const raw = new TextEncoder().encode(await c.req.text());
      const reportedBy = (await c.env.leakSigner(raw, c.req.raw.headers)) ?? "unsigned";
      const reports = c.req.valid("json").map(({ token, url }) => ({ token, foundOn: hostOf(url ?? "") }));
      const results = await revokeLeaked(visitor, c.env, reports, reportedBy);
      await c.env.wakeMail();
      return c.json(
        {
          object: "list" as const,
          data: results.map((isKey) => ({ result: isKey ? ("received" as const) : ("not_a_key" as const) })),
        },
        200,
      );
    },
  );
}

/** Where it was found, and no more of the address: the rest may name people. */
function hostOf(url: string): string | null {
  const host = URL.parse(url)?.hostname ?? "";
  return /^[a-z0-9.-]{1,253}$/.test(host) ? host : null;
}
