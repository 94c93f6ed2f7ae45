import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { createConnection, type Connection } from "../../domain/connections/create-connection.ts";
import { updateConnection } from "../../domain/connections/update-connection.ts";
import { deleteConnection } from "../../domain/connections/delete-connection.ts";
import { findConnection, findConnections } from "../../domain/connections/find-connections.ts";
import { testConnection } from "../../domain/connections/test-connection.ts";
import { publicId } from "../../lib/ids.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { parseAt } from "../invalid-request.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { conflict, invalid, notFound } from "../problem.ts";

const vendorNames = ["retell", "elevenlabs", "http_dnc"] as const;
const newConnection = z
  .strictObject({
    vendor: z.enum(vendorNames),
    name: line(200),
    config: z.record(z.string().max(64), z.unknown()).openapi({ description: "The vendor's own settings." }),
    credential: z
      .record(z.string().max(64), z.unknown())
      .openapi({ description: "Write-only: sealed on arrival, never returned." }),
    inbox_keeps: z.enum(["raw", "envelope"]).default("raw"),
    max_concurrency: z.int().min(1).max(10_000).default(10),
    calls_per_second: z.number().min(0.01).max(1_000).default(1),
  })
  .openapi("NewConnection", {
    example: {
      vendor: "retell",
      name: "Retell",
      config: { agent_id: "agent_7f3a", from_number: "+12085550100" },
      credential: { api_key: "the-vendor's-secret" },
    },
  });
const limits = z
  .strictObject({
    max_concurrency: z.int().min(1).max(10_000).optional(),
    calls_per_second: z.number().min(0.01).max(1_000).optional(),
  })
  .openapi("ConnectionLimits", { example: { max_concurrency: 20, calls_per_second: 2 } });
const connection = z
  .strictObject({
    id: idField("connection"),
    object: z.literal("connection"),
    kind: z.enum(["voice", "dnc"]),
    vendor: z.string(),
    name: z.string(),
    config: z.record(z.string(), z.unknown()),
    status: z.enum(["active", "failing", "disabled"]),
    inbox_keeps: z.enum(["raw", "envelope"]),
    max_concurrency: z.int(),
    calls_per_second: z.number(),
    webhook_url: z.string().nullable().openapi({ description: "Where the vendor is to send its events." }),
    stop_tool_url: z.string().nullable().openapi({ description: "What the agent's stop tool is to call." }),
    created_at: instantField,
  })
  .openapi("Connection");
const testResult = z
  .strictObject({
    object: z.literal("connection_test"),
    passed: z.boolean(),
    detail: z.string(),
    stores_transcripts: z.boolean().nullable(),
  })
  .openapi("ConnectionTest");

function view(row: Connection, origin: string): z.infer<typeof connection> {
  const id = publicId("connection", row.id);
  const webhooks = row.kind === "voice" ? `${origin}/webhooks/voice/${id}` : null;
  return {
    id,
    object: "connection",
    kind: row.kind,
    vendor: row.vendor,
    name: row.name,
    config: row.config as Record<string, unknown>,
    status: row.status,
    inbox_keeps: row.inboxKeeps,
    max_concurrency: row.maxConcurrency,
    calls_per_second: row.callsPerSecond,
    webhook_url: webhooks,
    stop_tool_url: webhooks === null ? null : `${webhooks}/stop`,
    created_at: row.createdAt,
  };
}

export function connectionRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/connections",
      summary: "Connect a provider",
      tags: ["connections"],
      ...posts("connections.create"),
      request: { body: jsonBody(newConnection) },
      responses: { 201: json("The connection, without its credential.", connection), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const vendor = c.env.vendors[body.vendor];
      if (vendor === undefined)
        throw invalid({ pointer: "/vendor", code: "unknown_value", detail: "This build has no such vendor." });
      const config = parseAt(vendor.config, body.config, "/config");
      const given = parseAt(vendor.credential, body.credential, "/credential");
      const credential = Object.fromEntries(
        Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
      );
      const made = await createConnection(c.var.org, c.env.sealCredential, vendor, {
        vendor: body.vendor,
        name: body.name,
        config,
        credential,
        inboxKeeps: body.inbox_keeps,
        maxConcurrency: body.max_concurrency,
        callsPerSecond: body.calls_per_second,
      });
      if (vendor.kind === "dnc") await c.env.wake(made.orgId, "scrub");
      return c.json(view(made, c.env.publicOrigin), 201, { location: `/v1/connections/${publicId("connection", made.id)}` });
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/connections",
      summary: "List connections, newest first",
      tags: ["connections"],
      ...reads("connections.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(connection)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c.req.valid("query"));
      return c.json(
        listBody(await findConnections(c.var.org, page), page, (row) => view(row, c.env.publicOrigin)),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/connections/{id}",
      summary: "Get a connection",
      tags: ["connections"],
      ...reads("connections.get"),
      request: { params: idParam("connection") },
      responses: { 200: json("The connection, without its credential.", connection), ...problems },
    }),
    async (c) => {
      const found = await findConnection(c.var.org, idOf("connection", c.req.valid("param").id));
      if (found === null) throw notFound("connection");
      return c.json(view(found, c.env.publicOrigin), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/connections/{id}/test",
      summary: "Ask the provider whether the connection works",
      description: "Uses read-only endpoints of the provider: it places no call.",
      tags: ["connections"],
      ...posts("connections.test"),
      request: { params: idParam("connection") },
      responses: { 200: json("What came of it.", testResult), ...problems },
    }),
    async (c) => {
      const result = await testConnection(c.var.org, c.env.adapters, idOf("connection", c.req.valid("param").id));
      if (result === null) throw notFound("connection");
      return c.json(
        {
          object: "connection_test" as const,
          passed: result.passed,
          detail: result.detail,
          stores_transcripts: result.storesTranscripts,
        },
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/connections/{id}",
      summary: "Change a connection's limits",
      description: "What the provider allows the account. Permits minted before are void; their leads are asked again at once.",
      tags: ["connections"],
      ...changes("connections.update"),
      request: { params: idParam("connection"), body: jsonBody(limits) },
      responses: { 200: json("The connection.", connection), ...problems },
    }),
    async (c) => {
      const { max_concurrency: maxConcurrency, calls_per_second: callsPerSecond } = c.req.valid("json");
      const updated = await updateConnection(c.var.org, idOf("connection", c.req.valid("param").id), {
        ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
        ...(callsPerSecond === undefined ? {} : { callsPerSecond }),
      });
      if (updated === null) throw notFound("connection");
      return c.json(view(updated, c.env.publicOrigin), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/connections/{id}",
      summary: "Disconnect a provider",
      description: "Destroys the credential and pauses the campaigns that used it.",
      tags: ["connections"],
      ...changes("connections.delete"),
      request: { params: idParam("connection") },
      responses: { 204: { description: "Gone." }, ...problems },
    }),
    async (c) => {
      const done = await deleteConnection(c.var.org, idOf("connection", c.req.valid("param").id));
      if (done.ok) return c.body(null, 204);
      if (done.refusal === "connection_unknown") throw notFound("connection");
      throw conflict(
        "calls_in_progress",
        "Calls of this connection are under way; only its credential can stop them. Pause the campaigns and wait.",
      );
    },
  );
}
