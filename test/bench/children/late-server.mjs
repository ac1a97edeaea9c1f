// What probes look at: every answer takes as many milliseconds as the first argument says, and /hang has none.
import { createServer } from 'node:http';

const lateMs = Number(process.argv[2]);

const server = createServer((request, response) => {
  if (request.url === '/hang') return;
  const timer = setTimeout(() => response.writeHead(200, { 'content-type': 'text/plain' }).end('ok'), lateMs);
  response.once('close', () => clearTimeout(timer));
});
server.listen(0, '127.0.0.1', 1_024, () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
