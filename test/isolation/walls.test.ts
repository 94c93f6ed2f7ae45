import { openTenants } from "./tenants.ts";
import { walls } from "./walls.ts";

walls(async () => {
  const { house, a, b } = await openTenants();
  const { admin, connectionString } = house.api.db;
  return { admin, appUrl: connectionString, a: a.orgId, b: b.orgId, close: () => house.close() };
});
