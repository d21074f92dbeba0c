/* Writing to the pty of a guest's serial port without libvirt, while libvirt's console stream is
 * held for reading and to keep others out.
 *
 * libvirt has no flow control from a client to a console: libvirtd takes five messages for a guest
 * that does not read, and then reads nothing more from that connection. Those of all consoles of
 * the hypervisor are on one (worker.h), whose calls hang until it is given up after two minutes. A
 * pty returns EAGAIN when it is full. Loop thread. */
#ifndef VBMC_VIRT_PTY_WRITER_H
#define VBMC_VIRT_PTY_WRITER_H

#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

struct pty_writer;

/* `writable` is called after a write that took less than all, when there is room; never from inside
 * these functions, and it may call any of them. 0, or a negative error: -ENOTTY for a path that is
 * no terminal, or what open said. */
int pty_writer_open(uv_loop_t *loop, const char *path, void (*writable)(void *context),
                    void *context, struct pty_writer **writer);
/* How much was taken, or a negative error. */
ssize_t pty_writer_write(struct pty_writer *writer, const uint8_t *bytes, size_t size);
/* Freed in the loop's next turn. NULL is allowed. */
void pty_writer_close(struct pty_writer *writer);

#endif
