import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { roles } from "../../domain/access/operations.ts";
import { type Asking, describeMachine, describePerson, type Machine, type Me } from "../../domain/users/describe-me.ts";
import { renamePerson } from "../../domain/users/rename-person.ts";
import { publicId } from "../../lib/ids.ts";
import { accessFields, accessOf } from "../access-fields.ts";
import { changes, json, jsonBody, problems, reads } from "../access.ts";
import type { Principal } from "../authenticate.ts";
import { guestOf } from "../bind-org.ts";
import { idField, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { actingIn } from "../second-factor.ts";

const standing = z.strictObject({
  id: idField("org"),
  name: z.string(),
  livemode: z.boolean(),
  role: z.enum(roles).nullable(),
  scopes: z.array(z.string()).nullable(),
  operations: z.array(z.string()).openapi({ description: "Ids of the operations that this credential may ask for there." }),
  operations_on_oneself: z.array(z.string()).openapi({
    description: "Further ones, where they are about the asker alone: to leave, or to end the grant that lets them in.",
  }),
});
const machine = z.strictObject({
  id: z.string().openapi({
    description: "The key's (`key_…`), by which it may rotate or revoke itself; of a token its issuer's (`iss_…`).",
    example: publicId("apiKey", "019a9b2c-7d00-7000-8000-000000000001"),
  }),
  name: z.string(),
  subject: z.string().nullable().openapi({ description: "Of a token: its `sub`, as the audit log has it. Of a key: null." }),
  expires_at: instantField.nullable().openapi({ description: "When the key, or this very token, ends. Null: never." }),
  sponsor_id: idField("user").nullable().openapi({ description: "Who answers for it. Null: it answers for itself." }),
  ...accessFields,
});
const me = z
  .strictObject({
    object: z.literal("me"),
    credential: z.enum(["session", "api_key", "token"]),
    user: z
      .strictObject({ id: idField("user"), email: z.string(), name: z.string().nullable(), created_at: instantField })
      .nullable(),
    session: z
      .strictObject({ id: idField("session"), status: z.enum(["second_factor_due", "open"]) })
      .nullable()
      .openapi({ description: "The one of this request: `DELETE /v1/sessions/{id}` signs out." }),
    machine: machine.nullable().openapi({ description: "The key or token of this request; null: a person asks." }),
    second_factor_at: instantField.nullable().openapi({ description: "When this session showed a second factor." }),
    operations: z.array(z.string()).openapi({
      description:
        "Ids of the operations on what is the asker's own, in no organisation: fewer while a second factor is due. `support_grants.open` is for operators of the platform alone.",
    }),
    organisations: z.array(standing).openapi({
      description:
        "None while a second factor is due. With `Dialgate-Support-Grant` the one that the grant opens, with its role; none before a second factor was shown.",
    }),
  })
  .openapi("Me");

const view = (
  { person, standings, operations: own, factorAt, session, machine: asking }: Me,
  credential: z.infer<typeof me>["credential"],
): z.infer<typeof me> => ({
  object: "me",
  credential,
  user:
    person === null
      ? null
      : { id: publicId("user", person.id), email: person.email, name: person.name, created_at: person.created_at },
  session:
    session === null
      ? null
      : { id: publicId("session", session.id), status: session.stage === "open" ? "open" : "second_factor_due" },
  machine: asking === null ? null : viewMachine(asking),
  second_factor_at: factorAt,
  operations: [...own],
  organisations: standings.map(({ orgId, operations, operationsOnOneself, scopes, ...rest }) => ({
    id: publicId("org", orgId),
    ...rest,
    scopes: scopes === null ? null : [...scopes],
    operations: [...operations],
    operations_on_oneself: [...operationsOnOneself],
  })),
});

const viewMachine = ({ id, name, subject, expiresAt, sponsorId, ...access }: Machine) => ({
  id,
  name,
  subject,
  expires_at: expiresAt,
  sponsor_id: sponsorId === null ? null : publicId("user", sponsorId),
  ...accessOf(access),
});
/** What a key or token that asks is known by. */
const askingOf = (principal: Exclude<Principal, { kind: "session" }>): Asking =>
  principal.kind === "api_key" ? { kind: "api_key", id: principal.id } : { kind: "token", ...principal.proof };
const changedMe = z
  .strictObject({
    name: line(100)
      .nullable()
      .openapi({ description: "What others in one's organisations see beside the address. Null: the address alone." }),
  })
  .openapi("ChangedMe", { example: { name: "Ada Lovelace" } });

export function meRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/me",
      summary: "Who asks, in which organisations, and what they may do",
      description:
        "Of any credential: a person in all of their organisations, a key or token in its own. It asks for no scope and no role, and is answered while a second factor is due.",
      tags: ["users"],
      ...reads("me.get"),
      responses: { 200: json("The asker.", me), ...problems },
    }),
    async (c) => {
      const { principal, org } = c.var;
      const found =
        principal.kind === "session"
          ? await describePerson(org, principal.id, principal.sessionId, guestOf(c, "me.get"))
          : await describeMachine(org, askingOf(principal));
      return c.json(view(found, principal.kind), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/me",
      summary: "Change one's own name",
      description:
        "What others in one's organisations see beside the address, and mails say of an inviter. Null: the address alone.",
      tags: ["users"],
      ...changes("me.update"),
      request: { body: jsonBody(changedMe) },
      responses: { 200: json("The asker, as `GET /v1/me` without a support grant answers.", me), ...problems },
    }),
    async (c) => {
      const { name } = c.req.valid("json");
      const { userId, id } = actingIn(c);
      await renamePerson(c.var.org, userId, name);
      return c.json(view(await describePerson(c.var.org, userId, id, null), "session"), 200);
    },
  );
}
