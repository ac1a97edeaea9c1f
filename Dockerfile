# The image of all functions; FUNCTION_TARGET says which of them a container is.
#   docker build --build-arg NODE_IMAGE=node:24-slim@sha256:DIGEST --tag IMAGE .
# test/system/image.test.ts follows these instructions, without Docker: keep to those that it knows.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci"]
COPY LICENSE tsconfig.json ./
COPY cli/dev cli/dev
COPY functions functions
COPY shared shared
RUN ["npm", "run", "build"]

# As the user and with the Node that will run it: Node keeps what it compiled apart for each.
FROM ${NODE_IMAGE} AS warm
WORKDIR /app
COPY --from=build --chown=node:node /src/dist/image ./
USER node
RUN ["node", "warm.mjs"]

# Nothing of it belongs to the user who runs it.
FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=warm --chown=root:root /app ./
USER node
ENTRYPOINT ["node", "start.mjs"]
