import { z } from "@hono/zod-openapi";
import type { Access } from "../domain/access/with-access.ts";

/** What a machine's credential may really do: two fields of whatever shows one. */
export const accessFields = {
  effective_scopes: z.array(z.string()).openapi({
    description: "Those of its scopes that open something now. `operations` of `GET /v1/me`, asked with it, says what.",
  }),
  limited_by_sponsor: z.boolean().openapi({
    description:
      "Some or all of what its scopes name is refused (403 `role_missing`): whoever answers for it (`sponsor_id`) has too low a role, or none. It helps to give them the role, or that someone who has it becomes the one who answers.",
  }),
};

export const accessOf = ({ effectiveScopes, limitedBySponsor }: Access) => ({
  effective_scopes: [...effectiveScopes],
  limited_by_sponsor: limitedBySponsor,
});
