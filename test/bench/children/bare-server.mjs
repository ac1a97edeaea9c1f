// The floor of every HTTP figure: node:http that reads the whole body and answers the bytes of a file, or 204 without one.
// Plain JavaScript, so that as the floor of a start it is Node alone.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , file] = process.argv;
const answer = file === undefined ? null : readFileSync(file);

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (answer === null) response.writeHead(204).end();
    else
      response
        .writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': answer.length })
        .end(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
