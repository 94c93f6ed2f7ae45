/** The API's document as an app without a database serves it. */
import { createApp } from "../../src/http/app.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { quotasOf } from "../../src/http/quotas.ts";
import { vendors } from "../../src/providers/vendors.ts";
import { memoryLimits } from "../support/rate-limits.ts";

export const app = createApp();
const deps = {
  newId: () => "019a9b2c-7d00-7000-8000-000000000001",
  publicOrigin: "https://api.dialgate.test",
  roleIsSafe: async () => true,
  vendors,
  quotas: quotasOf(),
  rateLimits: memoryLimits(),
  flood: async () => true,
} as unknown as HttpDeps;
// oxlint-disable-next-line typescript/no-explicit-any -- a test reads what the wire says
export const document: any = await (await app.request("/openapi.json", {}, deps)).json();
