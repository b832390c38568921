# The server with its page built ahead: no compiler, no development dependency, no shell script between PID 1 and Node.
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) -t regrow . && docker compose up

FROM node:26-bookworm-slim AS build
WORKDIR /regrow
COPY package.json package-lock.json .npmrc ./
COPY server/linkNode.js server/trimPackages.js server/
RUN npm ci
COPY . .
# What /version says is running; the repository itself is not copied.
ARG COMMIT=
RUN npm run build && printf %s "$COMMIT" > build/commit

FROM node:26-bookworm-slim AS packages
WORKDIR /regrow
COPY package.json package-lock.json .npmrc ./
COPY server/linkNode.js server/trimPackages.js server/
RUN npm ci --omit=dev

# Node is the package of the lock file, the one that the tests run on; Debian lacks one library for it.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libatomic1 libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 10001 -g 10001 /data /blobs
WORKDIR /regrow
COPY --from=packages /regrow/node_modules node_modules
COPY package.json LICENSE ./
COPY server server
COPY shared shared
COPY weights weights
COPY --from=build /regrow/build/client build/client
COPY --from=build /regrow/build/commit build/commit
# glibc keeps large pieces of memory that were freed once; with these it gives them back.
ENV PATH=/regrow/node_modules/.bin:$PATH REGROW_DATA_DIR=/data MALLOC_MMAP_THRESHOLD_=1048576 MALLOC_ARENA_MAX=2
USER 10001:10001
VOLUME /data
EXPOSE 2567
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "server/service/health.ts"]
# Node is PID 1: it gets the signals of `docker stop` itself, and saves the world.
# The flag of `npm start` bounds its memory (server/README.md, "Memory").
ENTRYPOINT ["node", "--max-semi-space-size=8", "server/main.ts"]
