# The commands of this repository; each is a script in .ci/ that says what it does.
# PYTHONS="PATH PATH" chooses the CPythons; PORT and WORKERS are for `make demo`.

.PHONY: help demo test lint docs bench bench-full variants micro counts soak slow idle memory logs wheel native clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /    make \1\t/p' Makefile | expand -t 20

demo: ## build the wheel and serve the Django demo on port 2929
	@.ci/demo

test: ## every check and test, both hosts, each CPython of the machine
	@# What a shell runs behind its back ignores these, and so would the servers that are stopped by them.
	@env --default-signal=INT,QUIT .ci/test

lint: ## format and lints of Rust and Python
	@.ci/needs libpython
	@.ci/lint

wheel: ## build the wheel for the newest CPython into dist/
	@.ci/needs
	@.ci/wheel dist "$$(.ci/pythons | awk 'NR == 1 { print $$2 }')"

native: ## build the native binary target/release/rwsgi
	@.ci/needs libpython
	@PYO3_PYTHON="$$(.ci/pythons | awk '/shared/ { print $$2; exit }')" \
		cargo build --release --bin rwsgi

docs: ## write what is made from the table of settings: docs/settings.md, man page, completions
	@.ci/docs

bench: ## twelve minutes: compare with other servers; ARGS="--quick" is passed on
	@.ci/bench $(ARGS)

bench-full: ## an hour: every workload, every server; ARGS is passed on
	@.ci/bench --full $(ARGS)

variants: ## ARGS=unwind, pgo, hosts, pythons or workers: compare releases built or run differently
	@.ci/variants $(ARGS)

micro: ## how long the parts of a request take; ARGS="--quick bridge" is passed on
	@.ci/micro $(ARGS)

counts: ## how many instructions they take, against bounds; ARGS=--update sets these
	@.ci/counts $(ARGS)

soak: ## 15 minutes of mixed traffic and break-offs; ARGS="--seconds 30" is passed on
	@.ci/exposed soak $(ARGS)

slow: ## what 2,500 slow clients cost the others
	@.ci/exposed slow $(ARGS)

idle: ## what 10,000 idle connections cost
	@.ci/exposed idle $(ARGS)

memory: ## four Django workers with and without preload
	@.ci/exposed memory $(ARGS)

logs: ## what access log, request ids, metrics and statsd cost a request
	@.ci/exposed logs $(ARGS)

clean: ## remove everything that was built
	rm -rf .build dist target
