/** The platform's own chain, as whoever runs the service reads and verifies it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportChain, exportCommand, platformOrg } from "../../dev/export-chain.ts";
import { run } from "../../cli/verify.ts";
import { neonTransport } from "../../src/db/transport.ts";
import { publicId } from "../../src/lib/ids.ts";
import { type Api, openApi, realNow } from "../http/api.ts";
import { makePerson, makeSession } from "../support/users.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

async function verified(lines: readonly string[], org: string, head: string) {
  const said: string[] = [];
  const io = { lines: (async function* () { yield* lines; })(), out: (line: string) => said.push(line), err: (line: string) => said.push(line) }; // prettier-ignore
  return { code: await run(["-", "--org", org, "--head", head], io as never), said };
}

test("is exported page by page with where it stands, and verifies; so does an organisation's, and neither as the other", async () => {
  const person = await makePerson(api.db);
  for (let count = 0; count < 3; count += 1) {
    const { id, headers } = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow);
    await api.send("DELETE", `/v1/sessions/${publicId("session", id)}`, { headers: { ...headers } });
  }
  const org = await api.seed();
  const transport = neonTransport(api.db.connectionString, { address: `127.0.0.1:${api.db.endpoint.port}` });
  for (const of of [platformOrg, publicId("org", org.orgId)]) {
    const lines: string[] = [];
    const head = await exportChain(transport, of, (line) => lines.push(line));
    expect(head).toMatch(new RegExp(`^${lines.length}:[0-9a-f]{64}$`));
    expect(lines.length).toBeGreaterThan(0);
    const { code, said } = await verified(lines, of, head);
    expect(code, said.join("\n")).toBe(0);
    expect((await verified(lines.slice(0, -1), of, head)).code).toBe(7);
    expect((await verified(lines, publicId("org", person.userId), head)).code).not.toBe(0);
    if (of === platformOrg) expect(lines.filter((line) => line.includes('"session.ended"'))).toHaveLength(3);
  }
  await expect(exportChain(transport, "acme", () => undefined)).rejects.toThrow("org_");
});

test("is printed by the command that the demo names", async () => {
  const { id, headers } = await makeSession(api.db, api.deps.hashApiKey, (await makePerson(api.db)).userId, realNow);
  await api.send("DELETE", `/v1/sessions/${publicId("session", id)}`, { headers: { ...headers } });
  const command = exportCommand(api.db.connectionString, `127.0.0.1:${api.db.endpoint.port}`);
  const { stdout, stderr } = await promisify(execFile)("sh", ["-c", command], { cwd: new URL("../..", import.meta.url) });
  const lines = stdout.trim().split("\n");
  const [, head = ""] = /^head (\S+)$/.exec(stderr.trim()) ?? [];
  expect(head).toMatch(new RegExp(`^${lines.length}:`));
  expect((await verified(lines, platformOrg, head)).code).toBe(0);
});
