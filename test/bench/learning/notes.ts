/** What was tried for an aim that is missed, and what it gave: one honest line each, kept by hand, under the id of the aim (report/aims.ts). */
export const NOTES: Readonly<Record<string, string>> = {};
