"""The system calls that a sandboxed program may make, by name, for two architectures.

``numbers("x86_64")["openat"]`` is 257. What is not in the table is refused, so a call that
a later kernel brings is refused too: programs, sockets other than pairs, namespaces,
mounts, tracing, other processes' memory, keys, System V memory, io_uring, bpf and the rest.

The numbers are the kernel's, from asm/unistd_64.h and asm-generic/unistd.h; "-" where an
architecture has no such call. Some calls are allowed with some arguments only: `seccomp.py`.
"""

from __future__ import annotations

ARCHITECTURES = ("x86_64", "aarch64")
# The last call that either architecture had when this was written (`mseal`); later ones are
# answered as by a kernel that does not know them.
LAST_KNOWN = 462
# The C library asks for this one first, and does without where the kernel does not know it.
CLONE3 = 435
# Extended attributes are answered as by a file system that has none: `shutil` copes with that.
ATTRIBUTES = {"x86_64": range(188, 200), "aarch64": range(5, 17)}

# Starting programs, which only compilers and compiled programs may (`seccomp.py`).
EXECVE = {"x86_64": 59, "aarch64": 221}
EXECVEAT = {"x86_64": 322, "aarch64": 281}

# name, x86_64, aarch64
TABLE = """
read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68
preadv 295 69, pwritev 296 70, preadv2 327 286, pwritev2 328 287, lseek 8 62, close 3 57
close_range 436 436, dup 32 23, dup2 33 -, dup3 292 24, fcntl 72 25, ioctl 16 29, fsync 74 82
fdatasync 75 83, ftruncate 77 46, fallocate 285 47, fadvise64 221 223, flock 73 32
sendfile 40 71, copy_file_range 326 285, pipe 22 -, pipe2 293 59, eventfd 284 -, eventfd2 290 19

open 2 -, openat 257 56, creat 85 -, access 21 -, faccessat 269 48, faccessat2 439 439, stat 4 -
fstat 5 80, lstat 6 -, newfstatat 262 79, statx 332 291, statfs 137 43, fstatfs 138 44
readlink 89 -, readlinkat 267 78, getdents 78 -, getdents64 217 61, getcwd 79 17, chdir 80 49
fchdir 81 50, mkdir 83 -, mkdirat 258 34, rmdir 84 -, unlink 87 -, unlinkat 263 35, rename 82 -
renameat 264 38, renameat2 316 276, link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36
truncate 76 45, chmod 90 -, fchmod 91 52, fchmodat 268 53, utime 132 -, utimes 235 -
futimesat 261 -, utimensat 280 88, umask 95 166

select 23 -, pselect6 270 72, poll 7 -, ppoll 271 73, epoll_create 213 -, epoll_create1 291 20
epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441, pause 34 -
nanosleep 35 101, clock_nanosleep 230 115, sched_yield 24 124, futex 202 98
restart_syscall 219 128

brk 12 214, mmap 9 222, munmap 11 215, mprotect 10 226, mremap 25 216, madvise 28 233
msync 26 227, mincore 27 232, membarrier 324 283

rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136
rt_sigtimedwait 128 137, rt_sigsuspend 130 133, sigaltstack 131 132, kill 62 129, tgkill 234 131
alarm 37 -, getitimer 36 102, setitimer 38 103, timer_create 222 107, timer_settime 223 110
timer_gettime 224 108, timer_getoverrun 225 109, timer_delete 226 111, timerfd_create 283 85
timerfd_settime 286 86, timerfd_gettime 287 87, signalfd 282 -, signalfd4 289 74, time 201 -
gettimeofday 96 169, clock_gettime 228 113, clock_getres 229 114, times 100 153

clone 56 220, fork 57 -, vfork 58 -, exit 60 93, exit_group 231 94, wait4 61 260, waitid 247 95
set_tid_address 218 96, set_robust_list 273 99, get_robust_list 274 100, rseq 334 293
arch_prctl 158 -, prctl 157 167, getpid 39 172, gettid 186 178, getppid 110 173, getpgrp 111 -
getpgid 121 155, getsid 124 156, setpgid 109 154, setsid 112 157, getuid 102 174, geteuid 107 175
getgid 104 176, getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158
getrusage 98 165, getrlimit 97 163, setrlimit 160 164, prlimit64 302 261, getpriority 140 141
sched_getaffinity 204 123, sched_setaffinity 203 122, sched_getparam 143 121
sched_getscheduler 145 120, sched_get_priority_max 146 125, sched_get_priority_min 147 126
sched_rr_get_interval 148 127, getcpu 309 168

uname 63 160, sysinfo 99 179, getrandom 318 278

socketpair 53 199, sendto 44 206, sendmsg 46 211, recvfrom 45 207, recvmsg 47 212
shutdown 48 210, getsockname 51 204, getpeername 52 205, getsockopt 55 209
"""


def numbers(architecture: str) -> dict[str, int]:
    """Return the numbers of an architecture's allowed calls by name."""
    column = ARCHITECTURES.index(architecture) + 1
    rows = [entry.split() for line in TABLE.splitlines() for entry in line.split(",")]
    return {row[0]: int(row[column]) for row in rows if row and row[column] != "-"}
