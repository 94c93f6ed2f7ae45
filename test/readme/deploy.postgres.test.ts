import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type NeonEndpoint, startNeonEndpoint } from "../../dev/database/neon-endpoint.ts";
import { parseApiKey } from "../../src/lib/api-key.ts";
import { blocksOf, commandsOf } from "./blocks.ts";
import { root } from "./run-blocks.ts";

const commands = blocksOf(readFileSync(join(root, "README.md"), "utf8"))
  .filter((block) => block.language === "sh" && block.kind === "database")
  .flatMap(commandsOf);

describe("the README's commands for a database of one's own", () => {
  const url = new URL(process.env["DATABASE_URL"] ?? "");
  const name = `readme_${randomBytes(6).toString("hex")}`;
  const appPassword = process.env["APP_DATABASE_PASSWORD"] ?? "";
  let owner: pg.Client;
  let endpoint: NeonEndpoint;
  const of = (change: (address: URL) => void): string => {
    const address = new URL(url);
    address.pathname = `/${name}`;
    change(address);
    return address.href;
  };
  // Not synchronously: the endpoint that the command talks to lives in this process.
  const run = async (command: string, env: Readonly<Record<string, string>>): Promise<string> =>
    (await promisify(execFile)("bash", ["-c", command], { cwd: root, timeout: 120_000, env: { ...process.env, ...env } })).stdout;

  beforeAll(async () => {
    owner = new pg.Client({ connectionString: url.href });
    await owner.connect();
    await owner.query(`create database ${name}`);
    endpoint = await startNeonEndpoint({ target: { host: url.hostname, port: Number(url.port || 5432) } });
  });
  afterAll(async () => {
    await endpoint.close();
    await owner.query(`drop database ${name} with (force)`);
    await owner.end();
  });

  test("migrate it, twice without harm, and make a test organisation whose key is well-formed", async () => {
    const [migrate = "", seed = "", ...more] = commands;
    expect(more).toEqual([]);
    const asOwner = { DATABASE_URL: of(() => undefined), APP_DATABASE_PASSWORD: appPassword };
    expect(await run(migrate, asOwner)).toMatch(/^applied 0001_/);
    expect(await run(migrate, asOwner)).toBe("nothing to apply\n");
    const asApp = of((address) => {
      address.username = "dialgate_app";
      address.password = appPassword;
    });
    const printed = await run(seed, {
      DATABASE_URL: asApp,
      NEON_LOCAL_ENDPOINT: `127.0.0.1:${endpoint.port}`,
      API_KEY_PEPPER: randomBytes(32).toString("base64"),
      NUMBER_PEPPERS: `1:${randomBytes(32).toString("base64")}`,
    });
    const { org, api_key: key } = JSON.parse(printed);
    expect(org).toMatch(/^org_/);
    expect(parseApiKey(key)?.livemode).toBe(false);
  });
});
