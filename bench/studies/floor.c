/* The least that a client of HTTP/1.1 can do: the system calls of a closed loop over epoll, and no parsing but counting bytes.
 * Usage: floor PORT SECONDS CONNECTIONS keep|short ANSWER_BYTES. Prints the number of answers. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_DESCRIPTORS 65536

static struct sockaddr_in server;
static char request[128];
static int request_bytes, poll_fd, is_short;
static int received[MAX_DESCRIPTORS];
static char is_connecting[MAX_DESCRIPTORS];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now_sec(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static void ask(int fd) {
  received[fd] = 0;
  if (write(fd, request, request_bytes) != request_bytes) fail("write");
}

static void dial(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0 || fd >= MAX_DESCRIPTORS) fail("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  int connected = connect(fd, (struct sockaddr *)&server, sizeof server);
  if (connected < 0 && errno != EINPROGRESS) fail("connect");
  is_connecting[fd] = connected < 0;
  struct epoll_event event = {.events = connected < 0 ? EPOLLOUT : EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
  if (connected == 0) ask(fd);
}

static void on_connected(int fd) {
  is_connecting[fd] = 0;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &event) < 0) fail("epoll_ctl");
  ask(fd);
}

/* Whether an answer has ended. */
static int on_readable(int fd, int answer_bytes) {
  static char buffer[65536];
  int count = read(fd, buffer, sizeof buffer);
  if (count <= 0) fail("read");
  received[fd] += count;
  if (received[fd] < answer_bytes) return 0;
  if (is_short) {
    close(fd);
    dial();
  } else {
    ask(fd);
  }
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int port = atoi(argv[1]), connections = atoi(argv[3]), answer_bytes = atoi(argv[5]);
  double seconds = atof(argv[2]);
  is_short = strcmp(argv[4], "short") == 0;
  server.sin_family = AF_INET;
  server.sin_port = htons(port);
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  request_bytes = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", port,
                           is_short ? "Connection: close\r\n" : "");
  poll_fd = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < connections; i++) dial();
  static struct epoll_event events[1024];
  long answers = 0;
  for (double end = now_sec() + seconds; now_sec() < end;) {
    int count = epoll_wait(poll_fd, events, 1024, 100);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (is_connecting[fd]) on_connected(fd);
      else answers += on_readable(fd, answer_bytes);
    }
  }
  printf("%ld answers\n", answers);
  return 0;
}
