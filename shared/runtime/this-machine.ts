const NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Whether a host is this machine by a name that nobody else can have. @param hostname as `URL` has it, without a port */
export const isThisMachine = (hostname: string): boolean => NAMES.includes(hostname);
