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
  RESEND_API_KEY: "re_0123456789",
  MAIL_FROM: "Dialgate <mail@dialgate.example>",
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
  RESEND_ORIGIN: "http://127.0.0.1:8788",
  GOOGLE_CLIENT_ID: "google-client",
  GOOGLE_CLIENT_SECRET: "google-secret",
  MICROSOFT_CLIENT_ID: "microsoft-client",
  MICROSOFT_CLIENT_SECRET: "microsoft-secret",
  MICROSOFT_TENANT_DOMAINS:
    "11111111-2222-4333-8444-555555555555:acme.example,11111111-2222-4333-8444-555555555555:acme.co.example",
  OIDC_ORIGIN: "http://127.0.0.1:8788",
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

  test("of production sends mail through Resend; of development through the simulators, whatever is left out or empty", () => {
    expect(parseEnv(good).RESEND_ORIGIN).toBe("https://api.resend.com");
    for (const nothing of [undefined, ""]) {
      const env = parseEnv({ ...local, RESEND_API_KEY: nothing, MAIL_FROM: nothing, RESEND_ORIGIN: nothing });
      expect(env).toMatchObject({ RESEND_ORIGIN: local.SIMULATOR_ORIGIN, RESEND_API_KEY: "re_development" });
    }
    for (const from of ["mail@dialgate.example", "Dialgate, Inc. <mail@dialgate.example>"])
      expect(parseEnv({ ...good, MAIL_FROM: from }).MAIL_FROM).toBe(from);
  });

  test("knows by which keys GitHub signs, or none", () => {
    const key = Buffer.alloc(91, 7).toString("base64");
    const read = (text: string | undefined) => parseEnv({ ...good, GITHUB_LEAK_KEYS: text }).GITHUB_LEAK_KEYS;
    expect([...(read(`0123abcd:${key},4567cdef:${key}`) ?? [])]).toEqual([
      ["0123abcd", key],
      ["4567cdef", key],
    ]);
    expect([read(undefined), read("")]).toEqual([undefined, undefined]);
  });

  test("says how long a link to sign in works: fifteen minutes unless it says less", () => {
    expect(parseEnv(good).MAGIC_LINK_TTL_MINUTES).toBe(15);
    expect(parseEnv({ ...good, MAGIC_LINK_TTL_MINUTES: "" }).MAGIC_LINK_TTL_MINUTES).toBe(15);
    expect(
      ["1", "10", "15"].map((minutes) => parseEnv({ ...good, MAGIC_LINK_TTL_MINUTES: minutes }).MAGIC_LINK_TTL_MINUTES),
    ).toEqual([1, 10, 15]);
  });

  test("without an account at Google or Microsoft, or with empty ones, is whole; with one it says which tenants it trusts for what", () => {
    expect(Object.keys(parseEnv(good)).filter((name) => /^(GOOGLE|MICROSOFT|OIDC)_/.test(name))).toEqual([]);
    expect(parseEnv({ ...local, GOOGLE_CLIENT_ID: "", GOOGLE_CLIENT_SECRET: "" }).GOOGLE_CLIENT_ID).toBeUndefined();
    expect([...(parseEnv(local).MICROSOFT_TENANT_DOMAINS ?? [])]).toEqual([
      ["11111111-2222-4333-8444-555555555555", new Set(["acme.example", "acme.co.example"])],
    ]);
    const google = { GOOGLE_CLIENT_ID: "google-client", GOOGLE_CLIENT_SECRET: "google-secret" };
    expect(parseEnv({ ...good, ...google })).toMatchObject(google);
    for (const half of ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET"])
      expect(refusal({ ...local, [half]: undefined }), half).toContain(`${half}: the other of the pair is set`);
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
    ["RESEND_API_KEY", "secret-value with a space"],
    ["RESEND_API_KEY", ""],
    ["MAIL_FROM", "secret-value"],
    ["MAIL_FROM", "a@secret-value.test, b@secret-value.test"],
    ["MAIL_FROM", "secret-value <a@dialgate.example>\r\nBcc: x@secret-value.test"],
    ["RESEND_ORIGIN", "https://api.resend.com/secret-value"],
    ["MAGIC_LINK_TTL_MINUTES", "16"],
    ["MAGIC_LINK_TTL_MINUTES", "0"],
    ["MAGIC_LINK_TTL_MINUTES", "-5"],
    ["MAGIC_LINK_TTL_MINUTES", "1e1"],
    ["MAGIC_LINK_TTL_MINUTES", "10.5"],
    ["MAGIC_LINK_TTL_MINUTES", "secret-value"],
    ["GOOGLE_CLIENT_SECRET", "secret-value with a space"],
    ["MICROSOFT_CLIENT_ID", "secret-value with a space"],
    ["MICROSOFT_TENANT_DOMAINS", "secret-value"],
    ["MICROSOFT_TENANT_DOMAINS", "11111111-2222-4333-8444-555555555555"],
    ["MICROSOFT_TENANT_DOMAINS", "11111111-2222-4333-8444-555555555555:*"],
    ["MICROSOFT_TENANT_DOMAINS", "common:secret-value.example"],
    ["MICROSOFT_TENANT_DOMAINS", "9188040d-6c67-4c5b-b112-36a304b66dad:outlook.com"],
    ["OIDC_ORIGIN", "https://issuer.example/secret-value"],
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
    ["RESEND_ORIGIN", "http://127.0.0.1:8788"],
    ["RESEND_ORIGIN", "http://api.resend.com"],
    ["OIDC_ORIGIN", "http://127.0.0.1:8788"],
    ["OIDC_ORIGIN", "https://issuer.example"],
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
    expect(refusal({ ...local, RESEND_ORIGIN: "http://api.resend.com" })).toContain("RESEND_ORIGIN: ");
    expect(refusal({ ...local, OIDC_ORIGIN: "http://accounts.google.com" })).toContain("OIDC_ORIGIN: ");
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
