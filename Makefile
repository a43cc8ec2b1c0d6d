# Words for people: "make help".  Everything that is built for the VM tests lies in
# SALVOR_CACHE (see test/lab/cache.sh), not here.

export CGO_ENABLED := 0

# A failure on the left of a pipe counts.
SHELL := /bin/bash -o pipefail

PREFIX ?= /usr/local
SHARE := $(DESTDIR)$(PREFIX)/share

.PHONY: help build install test demo lint bench fuzz recorded soak setup corpus lab machines clean
.DEFAULT_GOAL := build

help: ## show these words
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

build: ## make bin/salvor, one static binary
	go build -trimpath -ldflags "-s -w" -o bin/salvor ./cmd/salvor

install: build ## put the binary, man pages, completions and systemd units below DESTDIR and PREFIX (/usr/local)
	install -D -m 0755 bin/salvor $(DESTDIR)$(PREFIX)/sbin/salvor
	bin/salvor doc man $(SHARE)/man/man8
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	bin/salvor completion bash > $(SHARE)/bash-completion/completions/salvor
	bin/salvor completion zsh > $(SHARE)/zsh/site-functions/_salvor
	bin/salvor completion fish > $(SHARE)/fish/vendor_completions.d/salvor.fish
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' systemd/salvor.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/salvor.service
	install -m 0644 systemd/salvor.timer $(DESTDIR)$(PREFIX)/lib/systemd/system/
	@test -n "$(DESTDIR)" || echo "to save the layout every day: systemctl enable --now salvor.timer"

test: setup corpus machines ## everything: vet, unit tests, every scenario in VMs, a little fuzzing
	go vet ./...
	{ SALVOR_SEED=1 SALVOR_LAB=1 SALVOR_CORPUS=$$(test/corpus/build.sh) go test -json -timeout 60m ./...; \
	tests=$$?; scripts/fuzz.sh -json 2000x && exit $$tests; } | go run ./test/tally

demo: setup build machines ## boot the rescue image on machine b: probe, systems, mount, chroot and umount
	go run ./test/demo

lint: ## check Go and shell source
	go vet ./...
	test -z "$$(gofmt -l cmd internal test | tee /dev/stderr)"
	shellcheck -x -s bash -P SCRIPTDIR:test/lab scripts/*.sh test/lab/*.sh test/machines/*.sh test/corpus/*.sh test/recorded/*.sh test/rear/*.sh test/rescue/*.sh test/lab/start test/lab/live/init test/lab/live/attach

bench: setup machines ## measure what README reports
	SALVOR_LAB=1 go test -run '^$$' -bench . -benchtime 3x ./bench
	go test -run '^$$' -bench . -benchmem ./internal/plan ./internal/system ./internal/probe ./internal/workflow

fuzz: ## fuzz every parser of foreign bytes, FUZZTIME (10s) each
	scripts/fuzz.sh $(FUZZTIME)

recorded: setup machines ## record the golden machines anew, for the tests of salvor replay
	test/recorded/record.sh
	go test ./internal/probe ./test/recorded -update

soak: setup lab machines ## run the random-graph tests and the scenarios many times
	go test -count 1 -rapid.checks 100000 ./internal/plan/...
	SALVOR_LAB=1 SALVOR_SOAK=1 go test -timeout 2h ./internal/rescue/... ./internal/drill ./test/rescue ./test/rear
	SALVOR_LAB=1 SALVOR_SOAK=1 go test -count 5 -timeout 6h ./test/scenarios/...

setup: ## install (apt) what building and testing needs, and say so
	scripts/setup.sh

corpus: setup ## fetch the images that judge the reading of superblocks
	test/corpus/build.sh

lab: setup ## build the VM lab: kernel, initrd, live medium
	test/lab/build.sh

machines: lab ## build the golden machines, in the lab, as many at a time as there are CPUs
	basename -s .sh test/machines/?.sh | xargs -n 1 -P $$(nproc) test/machines/build.sh

clean: ## remove bin/ and what lab and machines have built
	rm -rf bin
	test/lab/clean.sh
