FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0
# The image brings its own Node, so the optional one stays out.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional && npm cache clean --force
COPY schemas ./schemas
COPY src ./src
COPY plugins ./plugins
COPY routes ./routes
COPY migrations ./migrations
COPY scripts ./scripts
COPY tools ./tools
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=2s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/liveness`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--v8-pool-size=1", "src/server.ts"]
