"""Pictures of the visitors' own

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-29 03:15:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('picture',
    sa.Column('visitor', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('theme', sa.String(), nullable=False),
    sa.Column('weights', sa.String(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('latent', sa.Text(), nullable=False),
    sa.Column('used_s', sa.Double(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('created_s', sa.Double(), nullable=False),
    sa.Column('state', sa.Enum('queued', 'running', 'done', 'failed', 'cancelled', name='state', native_enum=False), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('n_done', sa.Integer(), nullable=False),
    sa.Column('n_steps', sa.Integer(), nullable=False),
    sa.Column('stage_began_s', sa.Double(), nullable=False),
    sa.Column('stage_began_done', sa.Integer(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('lease', sa.String(), nullable=False),
    sa.Column('heartbeat_s', sa.Double(), nullable=False),
    sa.Column('sent_s', sa.Double(), nullable=False),
    sa.Column('n_tries', sa.Integer(), nullable=False),
    sa.Column('finished_s', sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('picture', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_picture_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_picture_visitor'), ['visitor'], unique=False)


def downgrade():
    with op.batch_alter_table('picture', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_picture_visitor'))
        batch_op.drop_index(batch_op.f('ix_picture_state'))

    op.drop_table('picture')
