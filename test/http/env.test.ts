import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parseEnv } from "../../src/env.ts";
import { quotasOf } from "../../src/http/quotas.ts";

const key = Buffer.alloc(32, 1).toString("base64");
const queue = { send: async () => undefined, sendBatch: async () => undefined };
const good = {
  ENVIRONMENT: "production",
  DATABASE_URL: "postgres://dialgate_app:secret-value@db.example/dialgate",
  PUBLIC_ORIGIN: "https://api.dialgate.example",
  SIMULATOR_ORIGIN: "https://simulator.dialgate.example",
  NUMBER_PEPPERS: `1:${key},2:${key}`,
  KEY_ENCRYPTION_KEYS: `1:${key}`,
  API_KEY_PEPPER: key,
  DIAL_QUEUE: queue,
  IMPORT_QUEUE: queue,
  INBOX_QUEUE: queue,
  OUTBOX_QUEUE: queue,
  CLOCK_QUEUE: queue,
  RATE_LIMITER: { idFromName: () => "id", get: () => null },
  FLOOD: { limit: async () => ({ success: true }) },
  WEBHOOK_FLOOD: { limit: async () => ({ success: true }) },
  UPLOADS: { put: async () => null, get: async () => null, head: async () => null, delete: async () => undefined },
};
const local = {
  ...good,
  ENVIRONMENT: "development",
  PUBLIC_ORIGIN: "http://127.0.0.1:8787",
  SIMULATOR_ORIGIN: "http://127.0.0.1:8788",
  NEON_LOCAL_ENDPOINT: "127.0.0.1:4444",
};
const refusal = (env: Record<string, unknown>): string => {
  try {
    parseEnv(env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was accepted");
};

describe("the environment", () => {
  test("that is complete is read", () => {
    expect([...parseEnv(good).NUMBER_PEPPERS.keys()]).toEqual([1, 2]);
    expect(parseEnv(local).NEON_LOCAL_ENDPOINT).toBe("127.0.0.1:4444");
    const limited = parseEnv({ ...good, RATE_LIMIT_KEY_PER_MINUTE: "600", RATE_LIMIT_ADDRESS_PER_MINUTE: "100000" });
    expect(quotasOf(limited)).toMatchObject({ key: { limit: 600 }, issuer: { limit: 600 }, address: { limit: 100_000 } });
    expect(quotasOf(parseEnv(good))).toEqual(quotasOf());
  });

  test.each(Object.keys(good))("without %s is refused by name", (name) => {
    expect(refusal({ ...good, [name]: undefined })).toContain(`${name}: `);
  });

  test.each([
    ["ENVIRONMENT", "staging"],
    ["DATABASE_URL", "mysql://secret-value"],
    ["PUBLIC_ORIGIN", "https://api.dialgate.example/secret-value"],
    ["NUMBER_PEPPERS", `1:${key},1:${key}`],
    ["NUMBER_PEPPERS", "1:secret-value"],
    ["KEY_ENCRYPTION_KEYS", "secret-value"],
    ["API_KEY_PEPPER", "secret-value"],
    ["DIAL_QUEUE", "secret-value"],
    ["UPLOADS", {}],
    ["RATE_LIMITER", "secret-value"],
    ["FLOOD", { limit: "secret-value" }],
    ["RATE_LIMIT_KEY_PER_MINUTE", "0"],
    ["RATE_LIMIT_KEY_PER_MINUTE", "secret-value"],
    ["RATE_LIMIT_ADDRESS_PER_MINUTE", "-1"],
    ["RATE_LIMIT_ADDRESS_PER_MINUTE", "1e3"],
    ["RATE_LIMIT_ADDRESS_PER_MINUTE", "99999999"],
  ])("with a wrong %s is refused by name, and never by value", (name, value) => {
    const message = refusal({ ...good, [name]: value });
    expect(message).toContain(`${name}: `);
    expect(message).not.toContain("secret-value");
  });

  test.each([
    ["NEON_LOCAL_ENDPOINT", "127.0.0.1:4444"],
    ["PUBLIC_ORIGIN", "http://api.dialgate.example"],
    ["PUBLIC_ORIGIN", "https://localhost"],
    ["SIMULATOR_ORIGIN", "http://127.0.0.1:8788"],
    ["SIMULATOR_ORIGIN", "https://127.0.0.1"],
    ["SIMULATOR_ORIGIN", "https://[::1]"],
    ["SIMULATOR_ORIGIN", "http://simulator.dialgate.example"],
  ])("of production refuses %s = %s", (name, value) => {
    expect(refusal({ ...good, [name]: value })).toContain(`${name}: `);
  });

  test.each(["database.example:4444", "10.0.0.1:4444", "127.0.0.1.example:1", "127.0.0.1"])(
    "reaches a local endpoint on this machine alone: not %s",
    (address) => {
      expect(refusal({ ...local, NEON_LOCAL_ENDPOINT: address })).toContain("NEON_LOCAL_ENDPOINT: ");
    },
  );

  test("of development sends plain http to this machine alone", () => {
    expect(refusal({ ...local, SIMULATOR_ORIGIN: "http://simulator.dialgate.example" })).toContain("SIMULATOR_ORIGIN: ");
  });

  test("the example names every secret, and wrangler.toml every binding", async () => {
    const example = await readFile(new URL("../../.dev.vars.example", import.meta.url), "utf8");
    const wrangler = await readFile(new URL("../../wrangler.toml", import.meta.url), "utf8");
    const isBinding = (name: string) => /_QUEUE$|^UPLOADS$|^RATE_LIMITER$|FLOOD$/.test(name);
    const missing = Object.keys(local).filter((name) =>
      isBinding(name)
        ? !new RegExp(`^(binding|name) = "${name}"$`, "m").test(wrangler)
        : !new RegExp(`^${name}=`, "m").test(example),
    );
    expect(missing).toEqual([]);
  });
});
