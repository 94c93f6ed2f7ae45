import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { receiveEvent, type ReceiveRefusal, receiveStop } from "../../domain/webhooks/receive.ts";
import { json, problems } from "../access.ts";
import { idOf, idParam } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { notFound, Problem } from "../problem.ts";
import { readBytes } from "../read-bytes.ts";

/** The report of a two-hour call with word times is some 4 MB. */
const bodyBytesMax = 8 * 1024 * 1024;

const signed = { tags: ["webhooks"], "x-public": true, security: [] };
/** As the vendor writes it: proved byte for byte, and read by its adapter, so that no schema of ours stands before it. */
const body = {
  required: true,
  content: { "application/json": { schema: { type: "object" as const, description: "As the vendor sends it." } } },
};

/** What voice vendors send us. No key: the vendor's signature over the raw bytes is the proof, with that connection's own secret. */
export function voiceWebhooks(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/webhooks/voice/{id}",
      operationId: "webhooks.voice",
      summary: "A vendor's event, signed by it",
      description:
        "No key: the vendor's signature over the raw bytes, with the connection's secret, is the proof. An event that was received before changes nothing, and is answered alike.",
      ...signed,
      request: { params: idParam("connection"), body },
      responses: { 204: { description: "Kept, once." }, ...problems },
    }),
    async (c) => {
      const { org, connectionId, webhook } = await arrived(c, c.req.valid("param").id);
      const received = await receiveEvent(org, c.env.adapters, connectionId, webhook);
      if (!received.ok) throw refusedWebhook(received.refusal);
      const { known, bound } = received.value;
      if (!known && !bound.clockMoving) await c.env.wake(bound.orgId, "inbox");
      return c.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/webhooks/voice/{id}/stop",
      operationId: "webhooks.voice_stop",
      summary: "The agent's stop tool: the person asked for calls to end",
      description:
        "The suppression has committed when this answers; the answer ends the call, without a word more. A stop of a call that is not known yet is kept, and applied when it is.",
      ...signed,
      request: { params: idParam("connection"), body },
      responses: { 200: json("End the call.", z.strictObject({ result: z.literal("end_call") })), ...problems },
    }),
    async (c) => {
      const { org, connectionId, webhook } = await arrived(c, c.req.valid("param").id);
      const received = await receiveStop(org, c.env.adapters, connectionId, webhook);
      if (!received.ok) throw refusedWebhook(received.refusal);
      const { bound, matched } = received.value;
      if (!bound.clockMoving) await c.env.wake(bound.orgId, matched ? "outbox" : "inbox");
      return c.json({ result: "end_call" as const }, 200);
    },
  );
}

async function arrived(c: Context<HttpEnv>, id: string) {
  const connectionId = idOf("connection", id);
  const raw = await readBytes(c.req.raw, bodyBytesMax);
  const receivedAt = c.env.now();
  const org = c.env.system.asWebhook(connectionId, c.var.requestId, receivedAt);
  c.set("org", org);
  return { org, connectionId, webhook: { raw, headers: c.req.raw.headers, receivedAt } };
}

function refusedWebhook(refusal: ReceiveRefusal): Problem {
  if (refusal === "connection_unknown") return notFound("connection");
  return new Problem("webhook_refused", {
    detail: "Nothing was kept.",
    errors: [{ pointer: "", code: refusal, detail: "The event is not proved to come from the vendor." }],
  });
}
