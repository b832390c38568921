# The server with its page built ahead: no compiler, no development dependency, no shell script between PID 1 and Node.
#   docker build -t regrow . && docker compose up

FROM node:24-bookworm-slim AS build
WORKDIR /regrow
COPY package.json package-lock.json .npmrc ./
COPY server/linkNode.js server/trimPackages.js server/
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-bookworm-slim AS packages
WORKDIR /regrow
COPY package.json package-lock.json .npmrc ./
COPY server/linkNode.js server/trimPackages.js server/
RUN npm ci --omit=dev

# Node is the package of the lock file, the one that the tests run on; Debian lacks one library for it.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libatomic1 libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 10001 -g 10001 /data
WORKDIR /regrow
COPY --from=packages /regrow/node_modules node_modules
COPY package.json LICENSE ./
COPY server server
COPY shared shared
COPY weights weights
COPY --from=build /regrow/build/client build/client
ENV PATH=/regrow/node_modules/.bin:$PATH REGROW_DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 2567
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "server/service/health.ts"]
# Node is PID 1: it gets the signals of `docker stop` itself, and saves the world.
# The flag of `npm start` bounds its memory (server/README.md, "Memory").
ENTRYPOINT ["node", "--max-semi-space-size=8", "server/main.ts"]
