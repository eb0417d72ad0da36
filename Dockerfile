# One image for migrate, api, worker, admin and the simulators; the command says which. The base's tag holds the major
# version only, so that a rebuild takes its security fixes.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY console/package.json ./console/
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Pages are built, so production needs none of what they are made with.
RUN npm ci --omit=dev --workspaces=false
# The Temporal SDK brings its native part for five platforms, 27 MB each; the image is for one of them.
RUN find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM node:24-bookworm-slim
# Inside a container loopback is the container's own, so the services listen on all its addresses.
ENV NODE_ENV=production \
    API_HOST=0.0.0.0 \
    API_PORT=8080 \
    METRICS_HOST=0.0.0.0 \
    METRICS_PORT=9464
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
# The files are root's: the process can read them and change none.
USER node
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "dist/cli/healthcheck.js"]
CMD ["node", "dist/api/main.js"]
