FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts
COPY scripts/slim-packages scripts/setup-models.ts scripts/
RUN scripts/slim-packages node_modules
COPY src/kernel/fault.ts src/kernel/
COPY src/provider/local/models.json src/provider/local/models.ts src/provider/local/
ARG LINEKEEPER_LOCAL_EARS=tiny
RUN node scripts/setup-models.ts

FROM node:24-bookworm-slim
ARG LINEKEEPER_LOCAL_EARS=tiny
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 LINEKEEPER_LOCAL_EARS=$LINEKEEPER_LOCAL_EARS
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/.cache/models .cache/models
COPY package.json ./
COPY public public
# The recording among the page's examples.
COPY fixtures/speech/jfk.wav fixtures/speech/
COPY src src
# What outlives a restart; mount a volume here to keep it.
RUN install -d -o node -g node data
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The server itself is process 1, so that SIGTERM drains it.
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=100", "src/main.ts"]
