# Two commands: `make book` builds the site into _build/html, `make test` proves it. `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# One thread everywhere: two are slower on a busy machine.
export OMP_NUM_THREADS ?= 1
# Processes that share out the tests, file by file; a notebook needs about 1 GB.
WORKERS ?= 2
# What TORCH_INDEX_URL, an index with builds for the CPU, is asked for. It is asked for nothing else.
TORCH = $(shell grep -E '^torch(vision)?==' requirements.txt)
# What Colab had when tools/elsewhere.py was last told; or `oldest` or `newest`.
ELSEWHERE ?= colab
# Of two that install or build at once the second waits, where the system has flock.
ALONE := $(if $(shell command -v flock),flock Makefile)
.DEFAULT_GOAL := book
.PHONY: environment book pdf epub cards downloads test tests notebooks browser processors elsewhere site-audit mutants edits bench words lint format clean help

$(VENV)/ready: requirements.txt constraints.txt pyproject.toml
	$(ALONE) $(MAKE) --no-print-directory $(VENV)/installed
	touch $@

$(VENV)/installed: requirements.txt constraints.txt pyproject.toml # which the second of two finds done
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX_URL),$(BIN)/python -m pip install --quiet --no-compile --no-deps --index-url $(TORCH_INDEX_URL) $(TORCH))
	$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.txt
	$(BIN)/python -m compileall -qq -j 0 -x /tests/ $(VENV)/lib || true # on all cores; a file or two are for a newer Python
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable . # with the pinned setuptools
	touch $@

environment: $(VENV)/ready ## the virtual environment that everything else runs in

book: $(VENV)/ready ## build the book into _build/html, every warning an error
	$(ALONE) sh -c 'rm -rf _build/html _build/.doctrees _build/jupyter_execute && $(BIN)/jupyter-book build . -W -n --keep-going -q'

# What can be taken along is made from the book as it stands in _build/html; `make book` makes none of it, to stay quick.
pdf: $(VENV)/ready ## the whole book to print, from the built one, by headless Chromium: some minutes
	$(BIN)/python tools/pdf.py

epub: $(VENV)/ready ## the whole book for a reader, from the built one
	$(BIN)/python tools/epub.py

cards: $(VENV)/ready ## flash cards for Anki, from the built book
	$(BIN)/python tools/deck.py

downloads: $(VENV)/ready ## the book, and all three beside it, with links on its start page
	DOWNLOADS=1 $(MAKE) --no-print-directory book
	$(MAKE) --no-print-directory pdf epub cards
	cp _build/cnn-case-studies.* _build/html

test: $(VENV)/ready ## everything that must hold: style, types, library, notebooks, guards, book
	$(MAKE) --no-print-directory --jobs=2 lint tests

tests: $(VENV)/ready # the same without style and types
	$(BIN)/python -m pytest notebooks/*.ipynb casestudies_lib tests --ignore=tests/browser --doctest-modules \
		--nbval --nbval-current-env --nbval-cell-timeout=300 --nbval-sanitize-with=tests/book/nbval.cfg \
		-n $(WORKERS) --dist loadfile --no-loadscope-reorder

notebooks: $(VENV)/ready ## run the notebooks and store their outputs
	$(BIN)/python tools/notebooks.py run

browser: $(VENV)/ready ## open the built pages in headless Chromium, which must be installed (SCREENSHOTS=1 keeps pictures)
	$(BIN)/python -m pytest tests/browser -n $(WORKERS) --dist loadscope

processors: $(VENV)/ready ## run all notebooks as several processors would, a line for each (PROCESSORS="--ci" for two at once)
	$(BIN)/python tools/processors.py $(PROCESSORS)

elsewhere: $(VENV)/ready ## run the built site's notebooks in bare environments: ELSEWHERE="colab", "oldest" or "newest" (--quick)
	$(BIN)/python tools/elsewhere.py $(ELSEWHERE)

site-audit: $(VENV)/ready ## how heavy the built pages are, and how soon a slow phone shows them
	$(BIN)/python tools/site_audit.py $(SITE_AUDIT)

bench: $(VENV)/ready ## speed beside torchvision and other counters, into book/measured: some minutes (BENCH="forward step")
	$(BIN)/python tools/bench.py $(BENCH)

words: $(VENV)/ready ## accept the words of claims, quotations and pictures as they are now, and say what changed
	$(BIN)/python tools/words.py

mutants: $(VENV)/ready ## put small mistakes into the library and see what notices: hours (MUTANTS="--sample 120 --jobs 2")
	$(BIN)/python tools/mutants.py $(MUTANTS)

edits: $(VENV)/ready ## make small false edits of the chapters' text and see what notices: minutes (EDITS="--sample 400")
	$(BIN)/python tools/edits.py $(EDITS)

lint: $(VENV)/ready ## check style, notebooks and JavaScript too, types, and the workflow
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/oxlint --deny-warnings . && $(BIN)/mypy
	$(BIN)/zizmor --offline --quiet .github/workflows

format: $(VENV)/ready ## mend style
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

clean: ## remove what was built, and the environment
	rm -rf _build $(VENV)

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'
