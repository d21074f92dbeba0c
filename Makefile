# vbmc: `make demo` shows it at work, `make check` runs all tests, `make help` lists the rest.
# Both install what they need (as root) and build; nothing else has to be typed before.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
CC      ?= cc

# One list for Debian and Ubuntu: what the build needs, what demo and tests need, what lint needs.
BUILD_PACKAGES := gcc make pkg-config libvirt-dev libjson-c-dev libssh-dev libcmocka-dev \
	libuv1-dev libssl-dev libsqlite3-dev libinih-dev libsystemd-dev libxml2-dev libedit-dev \
	libncurses-dev libsnmp-dev libseccomp-dev
RUN_PACKAGES := libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 \
	qemu-utils seabios ipxe-qemu ipmitool freeipmi-tools python3 python3-pyghmi python3-pexpect python3-paramiko syslinux mtools lz4 xz-utils \
	cpio iproute2 procps util-linux socat jq sqlite3 openssh-server openssh-client sshpass \
	conserver-server conserver-client conman fence-agents snmptrapd ipmiutil python3-pyipmi openipmi \
	openhpid openhpi-plugin-ipmidirect openhpi-clients dpkg-dev valgrind
# A Debian that boots is made for the test of the package.
SOAK_PACKAGES := debootstrap e2fsprogs lintian
LINT_PACKAGES := clang clang-tidy clang-format cppcheck shellcheck mandoc iwyu libclang-rt-dev llvm

LIBRARIES := libvirt libvirt-qemu json-c libuv libcrypto sqlite3 libxml-2.0 libssh libedit ncursesw netsnmp libseccomp
SYSTEMD   := $(shell pkg-config --exists libsystemd 2>/dev/null && echo libsystemd)
PKG_FLAGS := $(shell pkg-config --cflags $(LIBRARIES) $(SYSTEMD) 2>/dev/null)
PKG_LIBS  := $(shell pkg-config --libs $(LIBRARIES) $(SYSTEMD) 2>/dev/null) -linih -lpthread -lm

# Where nobody debugs, lines are enough: the rest of it takes a fifth of the compiler's time.
CFLAGS    ?= -O2 $(if $(CI),-g1,-g)
WARNINGS  := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
HARDENING := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
DEFINES   := -D_GNU_SOURCE -DVBMC_VERSION='"$(VERSION)"' $(if $(SYSTEMD),-DHAVE_SYSTEMD)
ifdef CI
WARNINGS  += -Werror
endif
ifdef SANITIZE
HARDENING := -fPIE
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif
ifeq ($(SANITIZE),fuzzer)
SANITIZERS += -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping
endif
COMPILE = $(CC) -std=c11 -I. $(DEFINES) $(PKG_FLAGS) $(CPPFLAGS) $(WARNINGS) $(HARDENING) \
	$(SANITIZERS) $(CFLAGS) $(ENTRY) -MMD -MP
# There are a hundred test programs, which gold links in a third of the time.
TEST_LD := $(if $(shell command -v ld.gold),-fuse-ld=gold)
LINK    = $(CC) -pie -Wl,-z,relro,-z,now,--as-needed $(SANITIZERS) $(CFLAGS) $(LDFLAGS)

# What installs what it needs builds on all processors, unless the caller says on how many.
JOBS = $(if $(filter -j% --jobs%,$(MAKEFLAGS)),,-j$(shell nproc))

# make V=1 shows the whole commands.
Q     := $(if $(V),,@)
quiet  = $(if $(V),@:,@echo '  $(1)')

# Everything but the two main files goes into one archive, from which each program and each unit
# test takes what it uses.
OBJ     := $(BUILD)/obj
MAINS   := vbmc/vbmcd.c vbmc/vbmc.c
SOURCES := $(sort $(wildcard vbmc/*.c vbmc/*/*.c qmp/*.c sol/*.c sol/*/*.c))
LIBRARY := $(OBJ)/libvbmc.a
# Unit tests lie in folders as what they test does; their programs lie side by side.
UNIT_SOURCES := $(wildcard $(addsuffix test_*.c,tests/unit/ tests/unit/*/ tests/unit/*/*/))
UNIT_OBJECTS := $(patsubst %.c,$(OBJ)/%.o,$(UNIT_SOURCES))
UNITS   := $(patsubst %.c,$(BUILD)/unit/%,$(notdir $(UNIT_SOURCES)))
HELPERS := tests/bench/client.c $(filter-out $(UNIT_SOURCES) tests/unit/rmcp_stub.c,\
	$(wildcard tests/unit/*.c tests/fake/*.c))

TEST_LIBRARY := $(OBJ)/libtests.a
# The load generator.
LOADS := $(patsubst %.c,$(OBJ)/%.o,$(filter-out $(addprefix tests/bench/,hold.c ask.c responder.c),\
	$(wildcard tests/bench/*.c)))

.SECONDARY:
.PHONY: all programs units test-tools deps deps-build deps-run deps-lint deps-soak check check-run soak soak-run demo demo-run bench bench-run \
	guest layers asan lint fuzz fuzz-all fuzz-programs fuzz-coverage deb \
	daemon-user install install-files uninstall clean help

all: $(BUILD)/vbmcd $(BUILD)/vbmc

help:
	@echo 'make            build build/vbmcd and build/vbmc'
	@echo 'make demo       see it at work: a real guest, a real ipmitool (installs what is missing)'
	@echo 'make check      all tests (installs what is missing)'
	@echo 'make soak       the long counts; make asan, make lint, make fuzz: run before a release'
	@echo 'make fuzz-all   every fuzz target for FUZZ_SECONDS each; make fuzz-NAME one; fuzz-coverage'
	@echo 'make bench      how fast requests, log-ins and the ways to a console are, and what 10,000 BMCs cost'
	@echo 'make deps       install the packages that build, demo and tests need'
	@echo 'make deb        a Debian package in build/'
	@echo 'make install    to $$(DESTDIR)$$(PREFIX), which is $(PREFIX); make uninstall'

$(BUILD)/vbmcd: $(OBJ)/vbmc/vbmcd.o $(LIBRARY)
	$(call quiet,LD  $@)
	$(Q)$(LINK) -o $@ $^ $(PKG_LIBS)

$(BUILD)/vbmc: $(OBJ)/vbmc/vbmc.o $(LIBRARY)
	$(call quiet,LD  $@)
	$(Q)$(LINK) -o $@ $^ $(PKG_LIBS)

$(LIBRARY): $(patsubst %.c,$(OBJ)/%.o,$(filter-out $(MAINS),$(SOURCES)))
	$(call quiet,AR  $@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(TEST_LIBRARY): $(patsubst %.c,$(OBJ)/%.o,$(HELPERS))
	$(call quiet,AR  $@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# What only unit tests are made of is compiled in half the time so, and as easy to debug.
$(OBJ)/tests/unit/%.o $(OBJ)/tests/fake/%.o: CFLAGS += -O0
$(OBJ)/tests/unit/%.o $(OBJ)/tests/fake/%.o: HARDENING := -fPIE

$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC  $<)
	$(Q)$(COMPILE) -c -o $@ $<

units: $(UNITS)

.SECONDEXPANSION:
PERCENT := %
$(BUILD)/unit/test_rmcp%: $$(filter $$(PERCENT)/test_rmcp$$*.o,$$(UNIT_OBJECTS)) \
		$(OBJ)/tests/unit/rmcp_stub.o $(TEST_LIBRARY) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD  $@)
	$(Q)$(LINK) $(TEST_LD) -o $@ $^ $(PKG_LIBS) -lcmocka

# It has a struct console of its own in place of vbmc/console/console.c.
$(filter $(BUILD)/unit/test_sol_%,$(UNITS)): $(OBJ)/tests/unit/console/sol_rig.o

# It has functions of its own in place of libvirt's and libc's.
$(filter $(BUILD)/unit/test_worker_%,$(UNITS)): $(OBJ)/tests/unit/virt/worker_world.o

$(BUILD)/unit/test_%: $$(filter $$(PERCENT)/test_$$*.o,$$(UNIT_OBJECTS)) $(TEST_LIBRARY) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD  $@)
	$(Q)$(LINK) $(TEST_LD) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS) -lcmocka

# The tests find the programs they are to run by VBMC_BUILD. What only they need is installed while
# the programs are built: its target has no prerequisites, as make begins those last.
RUN_DEPS :=
soak: deps-soak
check soak demo bench: deps-build
	@+$(MAKE) --no-print-directory $(JOBS) RUN_DEPS=deps-run $@-run

# Preloaded into a daemon: a time of day and errors of its disk that a test sets, figures of guests.
$(BUILD)/%.so: tests/e2e/%.c Makefile
	@mkdir -p $(@D)
	$(call quiet,LD  $@)
	$(Q)$(CC) -std=c11 -shared -fPIC $(DEFINES) $(WARNINGS) -O1 -g -o $@ $< -ldl

$(BUILD)/hold: tests/bench/hold.c
	@mkdir -p $(@D)
	$(call quiet,LD  $@)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 -g -o $@ $< -lvirt

# For tests/bench/inband.sh, the first of them to run inside of a guest.
$(BUILD)/ask $(BUILD)/responder: $(BUILD)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call quiet,LD  $@)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O2 -static -o $@ $<

test-tools: $(addprefix $(BUILD)/,logins hold ask responder) $(patsubst tests/e2e/%.c,$(BUILD)/%.so,$(wildcard tests/e2e/*.c))

check-run: $(RUN_DEPS) guest all units test-tools layers
	@VBMC_BUILD=$(BUILD) tests/run

soak-run: $(RUN_DEPS) guest all units test-tools
	-@tests/guest/debian.sh $(BUILD)/debian
	-@tests/guest/inband-systemd.sh
	@VBMC_BUILD=$(BUILD) VBMC_SOAK=1 tests/run

demo-run: $(RUN_DEPS) guest all
	@VBMC_BUILD=$(BUILD) examples/demo.sh

# Where it cannot be built, the tests that need it say so.
guest: $(RUN_DEPS)
	-@tests/guest/build.sh
	-@tests/guest/inband.sh

layers: all
	@VBMC_BUILD=$(BUILD) tests/layers.sh

$(BUILD)/logins: $(LOADS) $(LIBRARY)
	$(call quiet,LD  $@)
	$(Q)$(LINK) -o $@ $^ $(PKG_LIBS)

bench-run: $(RUN_DEPS) all test-tools $(BUILD)/unit/test_datagram_path
	@VBMC_BUILD=$(BUILD) tests/bench/commands.sh
	@VBMC_BUILD=$(BUILD) tests/bench/bench.sh
	@VBMC_BUILD=$(BUILD) tests/bench/logins.sh
	@VBMC_BUILD=$(BUILD) tests/bench/inband.sh
	@VBMC_BUILD=$(BUILD) tests/bench/fleet.sh

asan: deps
	@+$(MAKE) --no-print-directory $(JOBS) BUILD=build/asan SANITIZE=1 CFLAGS='-O1 -g' check-run

deps:
	@tests/deps.sh $(BUILD_PACKAGES) $(RUN_PACKAGES)

deps-build:
	@tests/deps.sh $(BUILD_PACKAGES)

deps-run:
	@tests/deps.sh $(RUN_PACKAGES)

deps-soak: deps
	@tests/deps.sh $(SOAK_PACKAGES)

deps-lint: deps
	@tests/deps.sh $(LINT_PACKAGES)

lint: deps-lint
	@+$(MAKE) --no-print-directory lint-run

lint-run:
	@tests/lint.sh $(DEFINES) $(PKG_FLAGS)

# Fuzzing: each tests/fuzz/fuzz_NAME.c is a target, which begins with the inputs in
# tests/fuzz/corpus/NAME. All are made of one archive that clang has instrumented; what a run finds
# goes to $(BUILD)/fuzz/corpus/NAME. make fuzz is the target of datagrams alone.
FUZZ_SECONDS ?= 600
FUZZ_CC      ?= clang
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_OBJECTS := $(FUZZ_TARGETS:%=$(OBJ)/tests/fuzz/fuzz_%.o)

fuzz: fuzz-datagram
fuzz-all: deps-lint
	@+$(MAKE) --no-print-directory $(JOBS) fuzz-programs
	@+failed=0; for target in $(FUZZ_TARGETS); do \
		$(MAKE) --no-print-directory fuzz-$$target-run || failed=1; done; exit $$failed
$(FUZZ_TARGETS:%=fuzz-%): deps-lint
	@+$(MAKE) --no-print-directory $(JOBS) $@-run
$(FUZZ_TARGETS:%=fuzz-%-run): fuzz-%-run:
	@+$(MAKE) --no-print-directory FUZZ_TARGETS='$*' fuzz-programs
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh $(BUILD)/fuzz $*

# What the files that each target is for come to, by the inputs there are.
fuzz-coverage: deps-lint
	@+$(MAKE) --no-print-directory $(JOBS) fuzz-programs
	@tests/fuzz/coverage.sh $(BUILD)/fuzz $(FUZZ_TARGETS)

fuzz-programs:
	@+$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz SANITIZE=fuzzer CC='$(FUZZ_CC)' CFLAGS='-O1 -g' \
		$(FUZZ_TARGETS:%=$(BUILD)/fuzz/fuzz_%)

$(BUILD)/fuzz_%: $(OBJ)/tests/fuzz/fuzz_%.o $(TEST_LIBRARY) $(LIBRARY)
	$(call quiet,LD  $@)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) -lcmocka

# The replay of all corpora is one program, in which the entry of each target has a name of its own.
ifneq ($(SANITIZE),fuzzer)
$(FUZZ_OBJECTS): ENTRY = -DLLVMFuzzerTestOneInput=$(*F)
endif
$(FUZZ_OBJECTS): CFLAGS += -O0
$(BUILD)/unit/test_fuzz_corpus: $(FUZZ_OBJECTS)
$(BUILD)/unit/test_fuzz_corpus: LDFLAGS += -rdynamic

DEB_VERSION  ?= $(VERSION)-1
DEB_PACKAGES := dpkg-dev lintian

deb: all
	@tests/deps.sh $(DEB_PACKAGES)
	@+examples/debian/build.sh $(BUILD) $(DEB_VERSION)

# Without DESTDIR, the user that vbmcd becomes, in the groups that open libvirt and serial ports.
USERADD := useradd --system --user-group --no-create-home --home-dir /var/lib/vbmc --shell /usr/sbin/nologin

daemon-user:
	@getent group libvirt >/dev/null || groupadd --system libvirt
	@getent passwd vbmc >/dev/null || $(USERADD) vbmc
	@usermod -aG libvirt,tty vbmc

install: all $(if $(DESTDIR),,$(if $(filter 0,$(shell id -u)),daemon-user))
	@+$(MAKE) --no-print-directory install-files

# What was built, and nothing else.
install-files:
	install -D -m 755 $(BUILD)/vbmcd $(DESTDIR)$(PREFIX)/sbin/vbmcd
	install -D -m 755 $(BUILD)/vbmc $(DESTDIR)$(PREFIX)/bin/vbmc
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 examples/man/vbmc.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 examples/man/vbmc.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 examples/man/vbmcd.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -D -m 644 examples/completion/vbmc.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/vbmc
	install -D -m 644 examples/completion/_vbmc \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_vbmc
	install -D -m 644 examples/vbmc.conf $(DESTDIR)$(PREFIX)/share/doc/vbmc/vbmc.conf
	install -m 644 examples/vbmcd-embed.conf $(DESTDIR)$(PREFIX)/share/doc/vbmc/vbmcd-embed.conf
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,@PREFIX@,$(PREFIX),' examples/vbmcd.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/vbmcd.service

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,sbin/vbmcd bin/vbmc share/man/man1/vbmc.1 \
		share/man/man5/vbmc.conf.5 share/man/man8/vbmcd.8 \
		share/bash-completion/completions/vbmc share/zsh/site-functions/_vbmc \
		share/doc/vbmc/vbmc.conf share/doc/vbmc/vbmcd-embed.conf lib/systemd/system/vbmcd.service)

clean:
	rm -rf $(BUILD)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)
