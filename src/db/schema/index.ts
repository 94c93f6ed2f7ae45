export * from "./campaigns.ts";
export * from "./dialing.ts";
export * from "./halts.ts";
export * from "./leads.ts";
export * from "./mailboxes.ts";
export * from "./orgs.ts";
export * from "./users.ts";
export * from "./platform.ts";
