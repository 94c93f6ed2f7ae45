import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { auditEventsPage, renderAuditEvents } from "../../dev/render-audit-events.ts";
import { createApp } from "../../src/http/app.ts";
import { quotasOf } from "../../src/http/quotas.ts";
import { auditActors } from "../../src/lib/audit-actors.ts";
import { auditEvents } from "../../src/lib/audit-events.ts";
import { vendors } from "../../src/providers/vendors.ts";

test("docs/audit-events.md and the document have every type of audit entry with what it says and its facts", async () => {
  const page = readFileSync(auditEventsPage, "utf8");
  expect(page, "node dev/render-audit-events.ts writes it").toBe(renderAuditEvents());
  for (const [type, { says, facts }] of Object.entries(auditEvents))
    expect(page).toContain(`| \`${type}\` | ${says} | ${facts.map((fact) => `\`${fact}\``).join(", ")} |`);
  for (const [type, { says }] of Object.entries(auditActors)) expect(page).toContain(`| \`${type}\` | ${says} |`);
  const deps = { publicOrigin: "https://api.dialgate.test", newId: () => "019a9b2c-7d00-7000-8000-000000000001", roleIsSafe: async () => true, flood: async () => true, rateLimits: { take: async () => null }, report: () => undefined, quotas: quotasOf(), vendors }; // prettier-ignore
  const document = (await (await createApp().request("/openapi.json", {}, deps as never)).json()) as {
    components: { schemas: { AuditEntry: { properties: { type: Record<string, unknown> } } } };
  };
  expect(document.components.schemas.AuditEntry.properties.type["x-events"]).toEqual(auditEvents);
});
