import socket, sys

port = int(sys.argv[1])
for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((address, port))
    sender = socket.socket(family, socket.SOCK_DGRAM)
    for size in 1, 100, 1000:
        sender.sendto(bytes(size), (address, port))
        receiver.recv(2000)
